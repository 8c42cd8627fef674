// Package console is the web console of operators: pages that call the use cases of the API, and have no rules of their
// own. They work without a script but for live numbers.
//
// Start with Handlers.Routes, which lists the pages. The markup stands in the .templ files beside the handlers, and the
// Go code that is made of it is checked in: run `go run github.com/a-h/templ/cmd/templ@v0.3.1118 generate -path
// http/console`; CI compares. Sentences stand in package words, in both languages, the style and the script in package
// assets.
package console
