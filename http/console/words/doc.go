// Package words writes the console's sentences, numbers, sums in words and moments as a reader of Korean or English
// expects them.
//
// Start with Words.T, which says a message of the catalogues in ko.go and en.go. Numbers have commas and are never
// shortened; a sum of money in words is the whole sum.
package words
