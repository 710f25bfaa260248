//go:build !linux

package pages

func ask[T any]([]T) {}
