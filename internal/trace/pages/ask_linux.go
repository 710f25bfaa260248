package pages

import (
	"syscall"
	"unsafe"
)

// ask advises the system; it may not listen.
func ask[T any](s []T) {
	size := cap(s) * int(unsafe.Sizeof(*new(T)))
	if size < least {
		return
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(s))), size) // its address and length alone go on
	_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE)                         // refused, it is memory all the same
}
