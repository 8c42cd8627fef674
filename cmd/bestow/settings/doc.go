// Package settings reads the environment of a process: Config has every setting on one page (config.go), and Load
// returns it whole or names everything that is wrong.
//
// What it must never do: repeat the value of a secret setting in an error.
package settings
