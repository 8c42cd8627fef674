// Package console is the web console of operators: pages that call the use cases of the API, and have no rules of their
// own. They work without a script but for live numbers.
//
// Start with Handlers.Routes, which lists the pages. The markup stands in the .templ files beside the handlers; `templ
// generate` makes the Go code of it, which is checked in. Sentences stand in package words, the style and the script in
// package assets.
package console
