package seal

import (
	"errors"
	"testing"
)

func TestNewTakesKeysOf32BytesAlone(t *testing.T) {
	for n := range 65 {
		aead, err := New(make([]byte, n))
		if n == 32 {
			if err != nil || aead == nil {
				t.Errorf("32 bytes: %v", err)
			}
		} else if !errors.Is(err, ErrKey) || aead != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}
