// Package fhirtest reads the collections of FHIR files that tests use.
package fhirtest

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"
)

// File reads a file, what is in it where its name ends with .gz.
func File(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".gz") {
		return raw
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err == nil {
		raw, err = io.ReadAll(z)
	}
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
