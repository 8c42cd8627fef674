// Package policies keeps the accrual policies, which operators make and change (store.go), and says of a batch of saves
// what their policies make of them (terms.go). The rules on a policy itself stand in the package money.
package policies
