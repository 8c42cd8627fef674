// Package console is the web console of operators: pages that call the use cases of the API, and have no rules of their
// own. They work without a script but for live numbers.
//
// Start with New, which names the rooms; each lists its pages in Routes. What all pages have is in package page. The
// markup stands in the .templ files beside the handlers, and the Go code that is made of it is checked in: run `go run
// github.com/a-h/templ/cmd/templ@v0.3.1118 generate -path http/console`; CI compares. Sentences stand in package words,
// in both languages, a file for each room; the style and the script in package assets.
// Package internal/consoletest drives the pages in tests.
package console
