// Package certs makes and reads what the nodes of a cluster know each other by: a
// private CA, a certificate for each node, and the key that they all share for
// gossip and datagrams. The CA's key is needed to issue certificates alone, and
// belongs on no node.
//
//	Init ──▶ ca.crt  ca.key  cluster.key
//	Issue ─▶ node.crt  node.key  ca.crt ──▶ LoadIdentity ──▶ cluster/stream
//	         cluster.key ──▶ LoadClusterKeys ──▶ cluster/members, cluster/link
//
// Keys are ECDSA on P-256, files with a secret have the mode 0600, and are refused
// where others may read them. No error holds a key. There are no lists of revoked
// certificates: whoever lost a node's key makes a new CA, gives the nodes both for
// the time of the change (ca.crt may hold several), and reissues.
package certs
