package app_test

import "testing"

// TestBadJoins: what keeps a node out of a cluster is said by the node, and by the
// cluster where it can know. The cluster goes on as it is.
func TestBadJoins(t *testing.T) {
	t.Parallel() // it waits more than it works
	seal, key := keyFile(t, 7), keyFile(t, 1)
	secrets := []string{"--seal-key-file", seal, "--cluster-key-file", key}
	one := newMate(t, "one", secrets...)
	one.start()
	formed(t, 1, one)

	t.Run("another cluster", func(t *testing.T) {
		m := newMate(t, "two", append(secrets, "--cluster-name", "rats")...)
		m.start(one)
		m.gaveUp(`"rats"`)
		one.says("rats")
	})
	t.Run("another seal key", func(t *testing.T) {
		m := newMate(t, "two", "--cluster-key-file", key, "--seal-key-file", keyFile(t, 8))
		m.start(one)
		m.gaveUp("all nodes of a cluster need the same keys")
		m.start(one) // the data that was made does not let it in
		m.gaveUp("the stored secrets were sealed under another key")
	})
	t.Run("other shards", func(t *testing.T) {
		m := newMate(t, "two", append(secrets, "--shards", "16")...)
		m.start(one)
		m.gaveUp("the cluster has 8 shards, 16 are asked for")
		m.flags = append(m.flags, "--shards", "8")
		m.start(one)         // nothing was made that would be in the way
		formed(t, 1, one, m) // of two one votes
		m.terminate()
		one.tell("members", "remove", "two")
		formed(t, 1, one)
	})
	t.Run("another cluster key", func(t *testing.T) {
		m := newMate(t, "three", "--cluster-key-file", keyFile(t, 2), "--seal-key-file", seal)
		m.start(one)
		m.says("no installed keys could decrypt")
		one.says("no installed keys could decrypt")
	})
	t.Run("a name that is taken", func(t *testing.T) {
		m := newMate(t, "one", secrets...)
		m.start(one)
		m.says("two nodes with the same name")
		one.says("two nodes with the same name")
	})
	t.Run("nobody", func(t *testing.T) {
		m := newMate(t, "four", secrets...)
		m.start(newMate(t, "five"))
		m.says("nobody of the join list answers yet")
	})
	formed(t, 1, one)
}
