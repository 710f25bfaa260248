// Package trace holds a dump against the index: whose rows it has, which versions of which
// records, what marks they carry, and how much of that chance would give.
//
// It promises the same result for the same files whatever the number of cores and the order
// in which batches end. Marks are read from raw values, before any is normalised; nothing in
// here has a copy's seed or could have, so that what was observed cannot follow from what a
// copy says. No plain value outlives its batch: results name people and records by keyed ids.
package trace
