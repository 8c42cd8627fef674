// Package api is the wire of the admin API: what the server and its clients say to each other. Field names, codes and
// shapes are a contract with scripts of other teams: add, never rename. Tags live here, so that domain needs none.
//
// What it must never do: know how a request is served or sent, or import anything of ours but domain.
package api
