// Package testbed installs bestow as it is deployed, for programs that break it: a PostgreSQL, a Kafka broker and every
// role of the service are processes of their own, which can be killed and started again at the same addresses.
//
//	b, err := testbed.Install(ctx, testbed.Options{Name: "kill", Services: []testbed.Service{{Name: "api", Roles: "api"}}})
//	defer b.TearDown(false)
//	b.Service("api").Kill()
//	err = b.Start(ctx, b.Service("api"))
//
// It builds ./cmd/bestow and speaks to it over HTTP only (API). The program that uses it is its servers too, so its
// main is Main.
//
// What it must never do: help. It touches no row, ends no claim and starts no process by itself.
package testbed
