// Package bench measures what the product costs beside the SQL that it cannot do without: the pipeline, from a member
// list in a file to a completed event, against a floor that executes the same statements with nothing around them.
//
// Every run works on a fresh copy of one prepared database, in which half of the members have points already, after a
// checkpoint, and is verified when its clock has stopped. Floor and pipeline take turns (floor, pipeline, pipeline,
// floor), since a machine is never twice the same: only their ratio may be compared between two days.
//
// Beside them stand rivals, the designs that one comes to first, with a message and a transaction for each target: what
// the product gains by working in chunks. They share no code with it, and have a check of their own. Other rows (see
// Rows) are the pipeline under other conditions.
//
// It wires no process: package rig hands it one. It must never reach a statement of the product to make the floor, because then
// a statement too many would be in both; a test compares what the server was sent by either instead.
package bench
