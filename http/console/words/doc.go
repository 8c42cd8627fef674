// Package words writes the console's sentences, numbers, sums in words and moments as a reader of Korean or English
// expects them.
//
// Start with Words.T in catalogue.go: each room of the console has a file of its messages. Numbers have commas and are
// never shortened; a sum of money in words is the whole sum.
package words
