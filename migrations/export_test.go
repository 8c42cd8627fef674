package migrations

// UpFrom applies the migrations of a folder alone: those of an earlier version.
var UpFrom = up
