// Package api holds the wire types of the admin API, which the server and its clients exchange. Field names, codes and
// shapes are a contract with scripts of other teams: add, never rename. JSON tags are here, so domain needs none.
//
// What it must never do: know how a request is served or sent, or import anything of ours but domain.
package api
