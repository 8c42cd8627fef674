// Package proc starts other programs as processes that can be killed and started again, for tests that do so:
//
//	p := proc.Program{Name: "relay", Args: []string{binary, "serve"}, Env: env, Log: "relay.log"}
//	child, err := p.Start(ctx)
//	child.Kill()               // kill -9
//	child, err = p.Start(ctx)  // at the same addresses
//
// What it must never do: leave a child behind. On Linux the kernel kills every child when we die, however we die; a
// Ctrl-C is ours to answer, so a child does not get it.
package proc
