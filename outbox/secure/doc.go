// Package secure opens connections to brokers that let in only whom they know: TLS and SASL. Where one of them does not
// let us in, it says at which wall the connection ended and what to do.
//
// What it must never do: put a password, a token or a key into an error, a log or any other text.
package secure
