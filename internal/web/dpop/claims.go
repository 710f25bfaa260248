package dpop

import "bytes"

// parseClaims reads the payload of a proof.
func parseClaims(segment string) (c claims, err error) {
	raw, err := decode(segment)
	if err != nil {
		return c, err
	}
	if plain, ok := parsePlain(raw); ok {
		return plain, nil
	}
	return c, strict(raw, &c)
}

// parsePlain reads the one form that our own client and most others write: a flat
// object without spaces, of the known members once each, strings without escapes
// and a whole number. Of anything else it says false and takes nothing, and the
// general parser decides; where it says true, both agree. Reading each proof with
// the general parser, twice for doubled members, was a twentieth of a check-in's
// CPU.
func parsePlain(raw []byte) (c claims, ok bool) {
	if len(raw) < 2 || raw[0] != '{' || raw[len(raw)-1] != '}' {
		return c, false
	}
	rest := raw[1 : len(raw)-1]
	var seen [6]bool
	for len(rest) > 0 {
		name, after, ok := plainString(rest)
		if !ok || len(after) < 2 || after[0] != ':' {
			return claims{}, false
		}
		which, text := c.member(string(name))
		if which < 0 || seen[which] {
			return claims{}, false
		}
		seen[which], rest = true, after[1:]
		if text == nil {
			c.Issued, rest, ok = plainNumber(rest)
		} else {
			var value []byte
			value, rest, ok = plainString(rest)
			*text = string(value)
		}
		if !ok {
			return claims{}, false
		}
		if len(rest) > 0 {
			if rest[0] != ',' || len(rest) == 1 {
				return claims{}, false
			}
			rest = rest[1:]
		}
	}
	return c, true
}

// member returns a member's number and where its text goes: nowhere for iat, which
// is a number; -1 when there is no such member.
func (c *claims) member(name string) (int, *string) {
	switch name {
	case "jti":
		return 0, &c.ID
	case "htm":
		return 1, &c.Method
	case "htu":
		return 2, &c.URL
	case "iat":
		return 3, nil
	case "ath":
		return 4, &c.Hash
	case "nonce":
		return 5, &c.Nonce
	}
	return -1, nil
}

// plainString takes a string of printable ASCII without escapes.
func plainString(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != '"' {
		return nil, nil, false
	}
	end := bytes.IndexByte(b[1:], '"')
	if end < 0 {
		return nil, nil, false
	}
	value, rest = b[1:1+end], b[2+end:]
	for _, ch := range value {
		if ch < ' ' || ch > '~' || ch == '\\' {
			return nil, nil, false
		}
	}
	return value, rest, true
}

// plainNumber takes a whole number of up to 18 digits that does not begin with 0.
func plainNumber(b []byte) (n int64, rest []byte, ok bool) {
	i := 0
	for ; i < len(b) && b[i] >= '0' && b[i] <= '9'; i++ {
		if i == 18 {
			return 0, nil, false
		}
		n = 10*n + int64(b[i]-'0')
	}
	return n, b[i:], i > 0 && b[0] != '0'
}
