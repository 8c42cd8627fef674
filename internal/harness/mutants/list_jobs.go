package main

// jobsMutants are the faults in the timetable.
var jobsMutants = []mutant{}
