package ring

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// hundred nodes, the same in each run.
func hundred() []Node { return many(rand.New(rand.NewPCG(100, 1024)), 100, 1) }

func BenchmarkPlace(b *testing.B) {
	for _, size := range []struct{ nodes, shards int }{{3, 32}, {16, 64}, {100, 1024}, {1000, 2048}} {
		nodes := many(rand.New(rand.NewPCG(1, 2)), size.nodes, 1)
		b.Run(fmt.Sprintf("%dx%d", size.nodes, size.shards), func(b *testing.B) {
			for b.Loop() {
				if _, err := Place(nodes, size.shards, 3); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkReplan(b *testing.B) {
	old := mustPlace(b, hundred(), 1024, 3)
	all := append([]change{{"nothing", old.Nodes}}, changes(rand.New(rand.NewPCG(3, 4)), old.Nodes)...)
	for _, c := range all {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Replan(old, c.nodes); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
