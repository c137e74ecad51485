// Package seal encrypts what must not lie readable on a disk: session keys and
// pre-shared keys. It is AES-256-GCM under a key ring.
//
//	sealed = version(1) key ID(4) nonce(12) ciphertext tag(16)
//
// The first key of the ring seals, all of them open: a key is replaced by
// putting a new one in front and leaving the old one behind until everything
// was sealed anew. The additional data binds a sealed text to its place: one
// that is moved to another record does not open.
//
// It promises that a wrong key is told from damage (ErrKey, ErrSealed), and
// that keys and plaintexts are in no error. It does not protect against who
// can read the process's memory.
package seal
