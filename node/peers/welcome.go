package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"dormouse/cluster/stream"
	"dormouse/codec/format"
	"dormouse/codec/ids"
	"dormouse/codec/wire"
)

// Welcome is what a node that joins must know before it has any data:
// version(1) shards(2) key(16) check(bytes), and behind that in version 2 level(1).
type Welcome struct {
	Shards ids.Shards
	Key    ids.Key
	Check  []byte       // sealed under the cluster's keys for stored secrets; nil: nothing was
	Level  format.Level // at which the cluster writes
}

const (
	welcomeVersion1 = 1 // of a cluster that writes at the first level
	welcomeVersion2 = 2
)

func (w Welcome) append(dst []byte) []byte {
	version := byte(welcomeVersion1)
	if w.Level > format.First {
		version = welcomeVersion2
	}
	dst = append(dst, version, byte(w.Shards>>8), byte(w.Shards))
	dst = wire.AppendText(append(dst, w.Key[:]...), string(w.Check))
	if version == welcomeVersion2 {
		dst = append(dst, byte(w.Level))
	}
	return dst
}

func parseWelcome(b []byte) (w Welcome, err error) {
	f := wire.NewFields(b)
	version := f.Byte()
	w.Shards = ids.Shards(f.Uint16())
	copy(w.Key[:], f.Cut(len(w.Key)))
	w.Check = append([]byte(nil), f.Bytes()...)
	w.Level = format.First
	if version == welcomeVersion2 {
		w.Level = format.Level(f.Byte())
	}
	if f.Err() != nil || version != welcomeVersion1 && version != welcomeVersion2 || w.Level == 0 || w.Shards == 0 || w.Shards > ids.MaxShards {
		return Welcome{}, fmt.Errorf("peers: the welcome of a cluster: %w", wire.ErrFields)
	}
	return w, nil
}

// asking is the time that one address of the join list is given.
const asking = 5 * time.Second

// Ask finds one of the join list that answers, and what it says. It tries until
// ctx ends, or until one refuses this node for a reason that stays. waits is told
// why nobody answers, whenever that is another reason than before.
func Ask(ctx context.Context, join []string, o stream.DialOptions, waits func(reason error)) (Welcome, error) {
	last := ""
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		var faults []error
		for _, address := range join {
			w, err := askOne(ctx, address, o)
			if err == nil {
				return w, nil
			}
			faults = append(faults, fmt.Errorf("%s: %w", address, err))
			if errors.Is(err, stream.ErrRefused) || errors.Is(err, ErrFormat) {
				return Welcome{}, fmt.Errorf("peers: join the cluster: %w", errors.Join(faults...))
			}
		}
		reason := errors.Join(faults...)
		if reason != nil && reason.Error() != last {
			last = reason.Error()
			waits(reason)
		}
		t := time.NewTimer(pause)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return Welcome{}, fmt.Errorf("peers: join the cluster: nobody of the join list answers: %w", reason)
		}
	}
}

func askOne(ctx context.Context, address string, o stream.DialOptions) (Welcome, error) {
	address, err := streamAddress(address)
	if err != nil {
		return Welcome{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	c, err := stream.Dial(ctx, address, o)
	if err != nil {
		return Welcome{}, err
	}
	defer c.Close()
	program := format.Program()
	answer, err := c.Call(ctx, kindWelcome, []byte{byte(program.Oldest), byte(program.Newest)})
	if err != nil {
		return Welcome{}, retold(err)
	}
	return parseWelcome(answer)
}

// serveWelcome tells a node that wants to join what it must know. It says which
// format levels it reads: oldest(1) newest(1), or nothing where that is the first.
func (p *Peers) serveWelcome(from ids.Node, request []byte) ([]byte, error) {
	reads := firstLevel
	if len(request) == 2 {
		reads = format.Range{Oldest: format.Level(request[0]), Newest: format.Level(request[1])}
	}
	w := p.o.Welcome()
	if err := p.mustRead(from.String(), reads); err != nil {
		p.o.Log.Warn("a node may not join", "node", from.String(), "reason", err)
		return nil, err
	}
	w.Level = p.o.Formats.Level()
	return w.append(nil), nil
}

// streamAddress is where the node that gossips at an address has its streams.
func streamAddress(gossip string) (string, error) {
	host, port, err := net.SplitHostPort(gossip)
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(port)
	if err != nil || n <= 0 || n >= 1<<16-1 {
		return "", fmt.Errorf("no port is next to %q", port)
	}
	return net.JoinHostPort(host, strconv.Itoa(n+1)), nil
}
