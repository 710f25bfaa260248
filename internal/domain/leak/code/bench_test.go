package code_test

import (
	"math/rand/v2"
	"testing"

	"github.com/amanah-project/amanah/internal/domain/leak/code"
)

// BenchmarkDecoder weighs 200 copies at 1,000 positions.
func BenchmarkDecoder(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	positions := make([]code.Position, 1000)
	for i := range positions {
		positions[i] = code.Position{P: biases[rng.IntN(3)], Symbol: rng.IntN(2) == 1}
	}
	seen := code.Look(positions)
	words := make([]code.Word, 200)
	for j := range words {
		words[j] = seen.Word(func(i int) (bool, bool) { return rng.Uint32() < positions[i].P, true })
	}
	for b.Loop() {
		seen.Decoder().LnE(words, len(words))
	}
}
