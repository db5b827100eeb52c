//go:build after

package sample

const (
	steadyRounds  = 1250
	compressLevel = 6
	formatWords   = 22
	mapKeys       = 52
	dice          = 5
)
