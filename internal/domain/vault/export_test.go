package vault

// OpenRaw opens under associated data of the caller's, as the vectors need.
func OpenRaw(key, nonce, data, sealed []byte) ([]byte, error) {
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, append(append([]byte(nil), nonce...), sealed...), data)
}
