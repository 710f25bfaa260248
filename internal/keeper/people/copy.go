package people

import (
	"time"

	"github.com/amanah-project/amanah/internal/domain/identity"
	"github.com/amanah-project/amanah/internal/durable"
	"github.com/amanah-project/amanah/internal/keeper"
	"github.com/amanah-project/amanah/internal/keeper/seal"
)

// Chunk has people's keys sealed for a backup: keeper.WrapChunk of them, zeros for who is
// erased.
func (p *People) Chunk(chunk uint64, to func(plain []byte) ([]byte, error)) ([]byte, error) {
	p.mu.Lock()
	people := uint64(p.slots.n)
	var plain []byte
	for i := chunk * keeper.WrapChunk; i < min(people, (chunk+1)*keeper.WrapChunk); i++ {
		plain = append(plain, p.slots.at(int(i)).key[:]...)
	}
	p.mu.Unlock()
	defer clear(plain)
	return to(plain)
}

// WrapGen is the number of the last wrap key that the journal names.
func (p *People) WrapGen() uint32 {
	p.wraps.mu.Lock()
	defer p.wraps.mu.Unlock()
	return p.wraps.made
}

// Restore makes the files of wraps, in a folder that has none, under wrap key gen: from
// chunks as Chunk had them sealed, for so many people. It stores the wrap key last.
func Restore(disk durable.FS, f file, gen uint32, now time.Time, people uint64, chunk func(uint64) ([]byte, error)) error {
	if err := disk.MkdirAll(wrapDir); err != nil {
		return err
	}
	key := freshWrapKey(gen, now)
	aead, err := seal.New(key.Key)
	if err != nil {
		return err
	}
	for c := uint64(0); c*keeper.WrapChunk < people; c++ {
		plain, err := chunk(c)
		if err != nil {
			return err
		}
		raw := make([]byte, len(plain)/32*wrapLen)
		for i := range len(plain) / 32 {
			if one := plain[i*32:][:32]; [32]byte(one) != ([32]byte{}) {
				id := identity.PersonID(c*keeper.WrapChunk + uint64(i) + 1)
				copy(raw[i*wrapLen:], seal.Seal(aead, one, wrapAD(id)))
			}
		}
		clear(plain)
		if err := durable.WriteFile(disk, wrapFile(int(c), key.Gen), raw); err != nil {
			return err
		}
	}
	return f.Store(key)
}
