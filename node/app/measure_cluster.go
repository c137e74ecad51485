package app

import (
	"dormouse/cluster/link"
	"dormouse/cluster/provider"
	"dormouse/cluster/shards"
	"dormouse/cluster/stream"
	"dormouse/node/waiting"
)

// measureCluster registers what is between nodes.
func (a *App) measureCluster() {
	a.measureCommands()
	a.measureLink()
	a.measureRoom()
	a.measureMesh()
	a.measureGroups()
}

func (a *App) measureCommands() {
	for name, read := range map[string]func(provider.Stats) int64{
		"node_commands_total":               func(s provider.Stats) int64 { return s.Calls },
		"node_commands_served_total":        func(s provider.Stats) int64 { return s.Served },
		"node_commands_repeated_total":      func(s provider.Stats) int64 { return s.Resent },
		"node_commands_met_again_total":     func(s provider.Stats) int64 { return s.Repeats },
		"node_commands_lines_lost_total":    func(s provider.Stats) int64 { return s.LostLines },
		"node_commands_peers_refused_total": func(s provider.Stats) int64 { return s.Refused },
	} {
		a.metrics.Counter(name, "Commands between nodes; see cluster/provider.", func() float64 { return float64(read(a.peers.Actors().Stats())) })
	}
}

func (a *App) measureLink() {
	for name, read := range map[string]func(link.Stats) uint64{
		"link_datagrams_sent_total":     func(s link.Stats) uint64 { return s.Sent },
		"link_frames_sent_total":        func(s link.Stats) uint64 { return s.SentFrames },
		"link_sent_bytes_total":         func(s link.Stats) uint64 { return s.SentBytes },
		"link_datagrams_received_total": func(s link.Stats) uint64 { return s.Received },
		"link_frames_received_total":    func(s link.Stats) uint64 { return s.ReceivedFrames },
		"link_received_bytes_total":     func(s link.Stats) uint64 { return s.ReceivedBytes },
	} {
		a.metrics.Counter(name, "Datagrams of devices between nodes; see cluster/link.", func() float64 { return float64(read(a.peers.LinkStats())) })
	}
	a.metrics.Counter("datagrams_sent_direct_total", "Datagrams to devices that spoke to another node, which has the same address.",
		func() float64 { return float64(a.counts.direct.Load()) })
	for _, why := range link.Drops() {
		a.metrics.CounterOf("link_dropped_total", "Datagrams between nodes, or their frames, that were dropped.", "kind", why.String(),
			func() float64 { return float64(a.peers.LinkStats().Dropped[why]) })
	}
}

func (a *App) measureRoom() {
	a.metrics.Gauge("datagrams_waiting", "Datagrams that wait for a leader of their shard.", func() float64 { return float64(a.room.Stats().Waiting) })
	for name, read := range map[string]func(waiting.Stats) uint64{
		"datagrams_held_total":         func(s waiting.Stats) uint64 { return s.Held },
		"datagrams_held_left_total":    func(s waiting.Stats) uint64 { return s.Released },
		"datagrams_held_expired_total": func(s waiting.Stats) uint64 { return s.Expired },
		"datagrams_held_full_total":    func(s waiting.Stats) uint64 { return s.Full },
	} {
		a.metrics.Counter(name, "Datagrams whose shard nobody led; see node/waiting.", func() float64 { return float64(read(a.room.Stats())) })
	}
}

func (a *App) measureMesh() {
	a.metrics.Gauge("mesh_peers", "Other nodes.", func() float64 { return float64(a.peers.MeshStats().Peers) })
	a.metrics.Gauge("mesh_peers_reached", "Other nodes that streams lead to.", func() float64 { return float64(a.peers.MeshStats().Reached) })
	for name, read := range map[string]func(stream.Stats) uint64{
		"mesh_frames_sent_total":          func(s stream.Stats) uint64 { return s.Sent },
		"mesh_sent_bytes_total":           func(s stream.Stats) uint64 { return s.SentBytes },
		"mesh_frames_received_total":      func(s stream.Stats) uint64 { return s.Received },
		"mesh_received_bytes_total":       func(s stream.Stats) uint64 { return s.ReceivedBytes },
		"mesh_frames_dropped_total":       func(s stream.Stats) uint64 { return s.DroppedFull + s.DroppedAway + s.DroppedLength + s.DroppedBroken },
		"mesh_calls_total":                func(s stream.Stats) uint64 { return s.Calls },
		"mesh_calls_failed_total":         func(s stream.Stats) uint64 { return s.CallsFailed },
		"mesh_calls_served_total":         func(s stream.Stats) uint64 { return s.Served },
		"mesh_calls_busy_total":           func(s stream.Stats) uint64 { return s.Busy },
		"mesh_connections_broken_total":   func(s stream.Stats) uint64 { return s.Broken },
		"mesh_connections_failed_total":   func(s stream.Stats) uint64 { return s.DialFailures },
		"mesh_connections_refused_total":  func(s stream.Stats) uint64 { return s.RefusedIn },
		"mesh_connections_unwanted_total": func(s stream.Stats) uint64 { return s.RefusedOut },
	} {
		a.metrics.Counter(name, "Streams between nodes; see cluster/stream.", func() float64 { return float64(read(a.peers.MeshStats())) })
	}
}

func (a *App) measureGroups() {
	for name, read := range map[string]func(shards.Stats) int64{
		"raft_proposals_total":        func(s shards.Stats) int64 { return s.Proposals },
		"raft_proposals_failed_total": func(s shards.Stats) int64 { return s.Failed },
		"raft_proposals_busy_total":   func(s shards.Stats) int64 { return s.Busy },
		"raft_rounds_total":           func(s shards.Stats) int64 { return s.Rounds },
		"raft_states_installed_total": func(s shards.Stats) int64 { return s.Installed },
	} {
		a.metrics.Counter(name, "Replicas of shards; see cluster/shards.", func() float64 { return float64(read(a.engine.Stats())) })
	}
}
