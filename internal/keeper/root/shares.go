package root

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"

	"github.com/amanah-project/amanah/internal/fault"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// Errors of shares.
var (
	ErrShareCount = fault.New(fault.Invalid, "shares: 2 to 7 of them, of which 2 to all are needed")
	ErrShare      = fault.New(fault.Invalid, "a file is no share of a root key, or was altered")
	ErrShareSet   = fault.New(fault.Invalid, "the shares are not of one set: give those that were made together")
	ErrShareFew   = fault.New(fault.Invalid, "too few different shares: give as many as are needed")
)

// MaxShares bounds a set: the root is wrapped once for every group that suffices.
const MaxShares = 7

// share is one holder's file. It suffices with the others': nothing else is needed.
//
// No field of a finite kind is computed in here, on purpose. Every group of Need
// shares has a wrap of the root of its own, under a key derived from all of the
// group's secrets: who lacks one of them lacks 256 random bits of the input.
type share struct {
	Format string   `json:"format"`
	Set    []byte   `json:"set"` // 16 random bytes
	Number int      `json:"number"`
	Of     int      `json:"of"`
	Need   int      `json:"need"`
	Secret []byte   `json:"secret"`
	Hashes [][]byte `json:"hashes"` // of each one's secret, so that a wrong one is named
	Wraps  [][]byte `json:"wraps"`  // of the root, for each group in the order of groups
}

const shareFormat = "amanah root share v1"

// groups lists the groups of need numbers out of 1 to of, each ascending.
func groups(of, need int) (out [][]int) {
	var grow func(from int, so []int)
	grow = func(from int, so []int) {
		if len(so) == need {
			out = append(out, slices.Clone(so))
			return
		}
		for n := from; n <= of; n++ {
			grow(n+1, append(so, n))
		}
	}
	grow(1, nil)
	return out
}

func (s *share) hash(number int, secret []byte) []byte {
	h := sha256.New()
	h.Write([]byte("amanah root share hash v1\x00"))
	h.Write(s.Set)
	h.Write([]byte{byte(number)})
	h.Write(secret)
	return h.Sum(nil)
}

// head is what a group's wrap is bound to.
func (s *share) head(group []int) []byte {
	b := append([]byte("amanah root shares v1\x00"), s.Set...)
	b = binary.BigEndian.AppendUint16(b, uint16(s.Of))
	b = binary.BigEndian.AppendUint16(b, uint16(s.Need))
	for _, n := range group {
		b = append(b, byte(n))
	}
	return b
}

// groupKey derives the key under which the root is wrapped for a group.
func (s *share) groupKey(group []int, secrets map[int][]byte) ([]byte, error) {
	var all []byte
	for _, n := range group {
		all = append(all, secrets[n]...)
	}
	return hkdf.Key(sha256.New, all, s.Set, string(s.head(group)), 32)
}

// MakeShares shares the root key of a file among so many holders, any need of whom
// have it. It returns the content of each one's file.
func MakeShares(raw []byte, c Credential, of, need int) ([][]byte, error) {
	if of < 2 || of > MaxShares || need < 2 || need > of {
		return nil, ErrShareCount
	}
	key, err := openKey(raw, c)
	if err != nil {
		return nil, err
	}
	s := share{Format: shareFormat, Set: make([]byte, 16), Of: of, Need: need}
	rand.Read(s.Set)
	secrets := map[int][]byte{}
	for n := 1; n <= of; n++ {
		secrets[n] = make([]byte, 32)
		rand.Read(secrets[n])
		s.Hashes = append(s.Hashes, s.hash(n, secrets[n]))
	}
	for _, g := range groups(of, need) {
		kek, err := s.groupKey(g, secrets)
		if err != nil {
			return nil, err
		}
		aead, err := seal.New(kek)
		if err != nil {
			return nil, err
		}
		s.Wraps = append(s.Wraps, seal.Seal(aead, key, s.head(g)))
	}
	out := make([][]byte, of)
	for n := range out {
		s.Number, s.Secret = n+1, secrets[n+1]
		if out[n], err = json.MarshalIndent(s, "", " "); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func parseShare(raw []byte) (s share, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if len(raw) > 64<<10 || d.Decode(&s) != nil || s.Format != shareFormat || len(s.Set) != 16 || len(s.Secret) != 32 ||
		s.Of < 2 || s.Of > MaxShares || s.Need < 2 || s.Need > s.Of || s.Number < 1 || s.Number > s.Of ||
		len(s.Hashes) != s.Of || len(s.Wraps) != len(groups(s.Of, s.Need)) ||
		!bytes.Equal(s.Hashes[s.Number-1], s.hash(s.Number, s.Secret)) {
		return s, ErrShare
	}
	return s, nil
}

// Recover makes the root key's file anew from shares, sealed by another
// credential. One that is damaged or of another set is named by its place in the list.
func Recover(files [][]byte, c Credential) ([]byte, error) {
	secrets := map[int][]byte{}
	var first share
	for i, raw := range files {
		s, err := parseShare(raw)
		if err != nil {
			return nil, fault.Newf(fault.Invalid, "share %d of those given: %v", i+1, err)
		}
		if i == 0 {
			first = s
		}
		if !bytes.Equal(s.Set, first.Set) || s.Need != first.Need || !slices.EqualFunc(s.Hashes, first.Hashes, bytes.Equal) {
			return nil, ErrShareSet
		}
		secrets[s.Number] = s.Secret
	}
	if len(files) == 0 || len(secrets) < first.Need {
		return nil, ErrShareFew
	}
	for i, g := range groups(first.Of, first.Need) {
		if slices.ContainsFunc(g, func(n int) bool { return secrets[n] == nil }) {
			continue
		}
		kek, err := first.groupKey(g, secrets)
		if err != nil {
			return nil, err
		}
		aead, err := seal.New(kek)
		if err != nil {
			return nil, err
		}
		key, err := seal.Open(aead, first.Wraps[i], first.head(g))
		if err != nil || len(key) != 32 {
			return nil, ErrShare
		}
		return sealKey(key, c)
	}
	return nil, ErrShareFew
}

// Check returns nil when the root key of a file is the one that wrapped a file of
// the keeper's, such as fixed, or of the recovery folder's; ErrFile otherwise.
func Check(raw []byte, c Credential, purpose string, wrapped []byte) error {
	r, err := Open(raw, c)
	if err != nil {
		return err
	}
	if _, err := r.Unwrap(purpose, wrapped); err != nil {
		return ErrFile
	}
	return nil
}
