package ring

import "dormouse/codec/ids"

// weight is the rendezvous weight of a shard on a node: whoever has the highest
// is the first choice. Every node must compute the same, of every release that
// may be in one cluster: a change of it moves data, and is noticed by a test.
//
// It is the finalizer of SplitMix64 over the ID and again with the shard. IDs are
// random and made by us, so no key is needed. It is plain: what a node's Weight
// asks for is in its quota, and no float has to agree between machines.
func weight(s ids.Shard, n ids.Node) uint64 {
	return mix(mix(uint64(n)) + (uint64(s)+1)*0x9e3779b97f4a7c15)
}

func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
