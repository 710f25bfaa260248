package staff

// ParseAttestation reads an attestation object without any rule of ours.
func ParseAttestation(raw []byte) (Registered, error) {
	d, err := parseAttestation(raw)
	return Registered{d.credential, d.key, d.count}, err
}

// Skip passes over one item of CBOR and returns its encoding.
func Skip(raw []byte) ([]byte, error) {
	c := cbor{raw}
	return c.skip(0)
}
