//go:build !after

package sample

const (
	steadyRounds  = 1000
	compressLevel = 1
	formatWords   = 20
	mapKeys       = 50
	dice          = 3
)
