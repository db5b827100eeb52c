// Package sample has benchmarks whose results differ in how, and how much, they vary.
package sample

import (
	"bytes"
	"compress/flate"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"sync"
	"testing"
)

var sink int

// Steady: arithmetic alone; the slower variant does a quarter more of it.
func BenchmarkSteady(b *testing.B) {
	for i := 0; i < b.N; i++ {
		sum := i
		for j := 0; j < steadyRounds; j++ {
			sum = sum*31 + j
		}
		sink += sum
	}
}

// Sort: the same work on both sides.
func BenchmarkSort(b *testing.B) {
	source := rand.New(rand.NewPCG(1, 2))
	values := make([]int, 2000)
	for i := 0; i < b.N; i++ {
		for j := range values {
			values[j] = source.IntN(1 << 30)
		}
		sort.Ints(values)
	}
	sink += values[0]
}

// Compress: reports MB/s, and allocates; the slower variant compresses harder.
func BenchmarkCompress(b *testing.B) {
	text := []byte(strings.Repeat("the quick brown fox jumps over the lazy dog; ", 400))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		var out bytes.Buffer
		writer, _ := flate.NewWriter(&out, compressLevel)
		_, _ = writer.Write(text)
		_ = writer.Close()
		sink += out.Len()
	}
}

// Format: allocations that are the same every time.
func BenchmarkFormat(b *testing.B) {
	for _, words := range []int{1, formatWords} {
		name := "few"
		if words > 1 {
			name = "many"
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; i < b.N; i++ {
				text := ""
				for j := 0; j < words; j++ {
					text += fmt.Sprintf("%d,", j)
				}
				sink += len(text)
			}
		})
	}
}

// Map: bytes per operation that depend on random hashes, so that they vary a little and often tie.
func BenchmarkMap(b *testing.B) {
	b.ReportAllocs()
	for i := 0; i < b.N; i++ {
		table := map[string]int{}
		for j := 0; j < mapKeys; j++ {
			table[fmt.Sprint(rand.IntN(1000))] = j
		}
		sink += len(table)
	}
}

// Handoff: two goroutines that wait for each other, at the mercy of the scheduler.
func BenchmarkHandoff(b *testing.B) {
	there, back := make(chan int), make(chan int)
	var group sync.WaitGroup
	group.Add(1)
	go func() {
		defer group.Done()
		for value := range there {
			back <- value + 1
		}
	}()
	for i := 0; i < b.N; i++ {
		there <- i
		sink += <-back
	}
	close(there)
	group.Wait()
}

// Dice: units of its own that take few values, so that both sides have many ties.
func BenchmarkDice(b *testing.B) {
	for i := 0; i < b.N; i++ {
		sink += i
	}
	b.ReportMetric(float64(1+rand.IntN(4)), "eyes/op")
	b.ReportMetric(float64(dice+rand.IntN(5)), "steps/op")
	b.ReportMetric(0, "errors/op")
}

// Bistable: one of two states for a whole measurement, as on a machine with two clock speeds.
func BenchmarkBistable(b *testing.B) {
	rounds := 400
	if rand.IntN(2) == 0 {
		rounds = 700
	}
	for i := 0; i < b.N; i++ {
		sum := 0
		for j := 0; j < rounds; j++ {
			sum += sum*7 + j
		}
		sink += sum
	}
}
