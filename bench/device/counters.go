package device

import (
	"dormouse/codec/lwm2m"
)

// Counters count what a device did since it was made.
type Counters struct {
	Registrations uint32 // Registers that were accepted
	Updates       uint32 // Updates that were accepted
	Requests      uint32 // of the server, repetitions excepted
	Duplicates    uint32 // repetitions, answered as before
	Notifications uint32
	Sends         uint32 // that were accepted
	Muted         uint32 // Sends that /1/0/23 forbade
	Dropped       uint32 // datagrams that came while the device was deaf
	Refused       uint32 // own requests without success
	Unheard       uint32 // of them those that were not even acknowledged
	Reboots       uint32
}

// Counters are those of the device.
func (c *Client) Counters() Counters { return c.counters }

// Executions is how often a resource was executed with success, so that one can
// prove that a repeated request had one effect.
func (c *Client) Executions(p lwm2m.Path) int { return c.executed[p] }
