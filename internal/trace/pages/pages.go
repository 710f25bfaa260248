// Package pages makes slices of millions of entries.
//
// It promises no more than make does. Where the system has large pages it is asked for them:
// it then gives two megabytes at a time instead of four kilobytes, which on a virtual machine
// was forty times faster to be given, and to find a place anywhere in gigabytes takes fewer
// look-ups of addresses. The memory is Go's, as any other.
package pages

// least is how many bytes a slice has before it is worth asking: less is a few pages.
const least = 4 << 20

// Make is make([]T, length, capacity).
func Make[T any](length, capacity int) []T {
	s := make([]T, length, capacity)
	ask(s)
	return s
}
