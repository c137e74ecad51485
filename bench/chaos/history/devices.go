package history

// devices judges registrations, sessions, refusals, and nodes that end by themselves.
func (v *Verdict) devices(events []Event) {
	registered, known, shaken := map[uint32]bool{}, map[uint32]bool{}, map[uint32]int{}
	ends := false // the run came to the roll call at its end
	for _, e := range events {
		switch e.Kind {
		case Registered:
			registered[e.Device] = true
		case Forgotten:
			v.broken(Gone, "device %d: node %d does not know its registration at %v", e.Device, e.Node, since(e.At))
		case Known:
			ends, known[e.Device] = true, true
		case Shaken:
			if shaken[e.Device]++; shaken[e.Device] > 1 {
				v.broken(Handshakes, "device %d made its session %d at %v", e.Device, shaken[e.Device], since(e.At))
			}
		case Died:
			v.broken(Crashed, "node %d ended by itself at %v: %s", e.Node, since(e.At), e.Text)
		case NonceReused:
			v.broken(Nonces, "device %d at %v", e.Device, since(e.At))
		case Refused:
			v.broken(Rejected, "device %d was answered %s by node %d at %v", e.Device, e.Text, e.Node, since(e.At))
		case Declined:
			v.broken(Rejected, "operation %d for device %d was refused by node %d at %v: %s", e.Op, e.Device, e.Node, since(e.At), e.Text)
		}
	}
	for device := range registered {
		if ends && !known[device] {
			v.broken(Gone, "device %d: no node answered its last Update", device)
		}
	}
}
