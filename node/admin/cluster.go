package admin

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"dormouse/codec/ids"
)

// Cluster is the node and those beside it. Its methods may be called concurrently.
type Cluster interface {
	// Nodes are all that belong to the cluster, in the order of their names.
	Nodes(ctx context.Context) ([]Node, error)
	// Shards are all, the system group ("system") first. What is known of a shard
	// is what its leader says, where one can be asked.
	Shards(ctx context.Context) ([]ShardGroup, error)
	// Self is this node.
	Self(ctx context.Context) (Node, error)
	// Drain moves all data off a node, keep takes that back. It returns when that
	// is agreed, before it is done. ErrNotFound, ErrBusy.
	Drain(ctx context.Context, name string, keep bool) error
	// Remove says that a node is gone for good. ErrConflict where it is there and
	// holds data.
	Remove(ctx context.Context, name string) error
	// Recover makes this node the only voter of a shard whose majority is lost for
	// good; what this node does not have is lost. ErrConflict where there is a
	// leader, ErrNotFound where there is no replica here.
	Recover(ctx context.Context, shard ids.Shard) error
	// Reload lets all nodes read their settings, keys and certificates anew. Faults are by
	// the names of the nodes.
	Reload(ctx context.Context) (faults map[string]string, err error)
	// Format is the format level of the cluster.
	Format(ctx context.Context) (Format, error)
	// Finalize raises it to the highest one that all nodes read, after which older
	// programs cannot come back. ErrConflict says what is in the way.
	Finalize(ctx context.Context) (Format, error)
}

// Format is the level at which a cluster writes to the disk and between nodes.
type Format struct {
	Level int    `json:"level"`
	Next  int    `json:"next,omitempty"`  // to which it can be raised now; 0: to none
	Waits string `json:"waits,omitempty"` // what is in the way
}

// Node is a node of the cluster.
type Node struct {
	Name        string `json:"name"`
	ID          string `json:"id"` // 16 hexadecimal digits
	Zone        string `json:"zone,omitempty"`
	Address     string `json:"address,omitempty"` // where it gossips
	State       string `json:"state"`             // up, full (of disk), down, draining, leaving or alone
	Incarnation uint64 `json:"incarnation,omitempty"`
	Replicas    int    `json:"replicas"` // shards that it should hold
	Leads       int    `json:"leads"`    // shards that it leads, as far as is known
	Self        bool   `json:"self,omitempty"`
	Version     string `json:"version,omitempty"` // of the program; of this node alone
	Formats     string `json:"formats,omitempty"` // levels that its program reads: 1, or 1-2
}

// ShardGroup is who holds a shard.
type ShardGroup struct {
	Shard    string   `json:"shard"`            // its number, or "system"
	Leader   string   `json:"leader,omitempty"` // name; absent: nobody is known
	Term     uint64   `json:"term,omitempty"`
	Voters   []string `json:"voters"`
	Learners []string `json:"learners"`
	Wanted   []string `json:"wanted,omitempty"` // by the topology, the preferred leader first
}

// ShardName is how the API names a shard.
func ShardName(s ids.Shard) string {
	if s == ids.System {
		return "system"
	}
	return strconv.Itoa(int(s))
}

const (
	nodesPath  = "/cluster/nodes"
	mediaNodes = "cluster"
)

func (s *site) clusterRoutes(mux *http.ServeMux) {
	for pattern, r := range map[string]methods{
		nodesPath:                             {http.MethodGet: s.listNodes},
		nodesPath + "/{name}":                 {http.MethodGet: s.getNode},
		nodesPath + "/{name}/drain":           {http.MethodPost: s.drainNode(false), http.MethodDelete: s.drainNode(true)},
		nodesPath + "/{name}/remove":          {http.MethodPost: s.removeNode},
		"/cluster/shards":                     {http.MethodGet: s.listShards},
		"/cluster/shards/{id}/unsafe-recover": {http.MethodPost: s.recoverShard},
		"/cluster/keys":                       {http.MethodPost: s.reloadKeys},
		"/cluster/self":                       {http.MethodGet: s.getSelf},
		"/cluster/format":                     {http.MethodGet: s.getFormat},
		"/cluster/format/finalize":            {http.MethodPost: s.finalize},
	} {
		mux.Handle(pattern, s.bounded(resource{area: "cluster", methods: r}))
	}
}

func clusterAnswer(v any) (answer, error) {
	body, err := json.Marshal(v)
	return answer{status: http.StatusOK, media: mediaNodes, body: body}, err
}

func (s *site) listNodes(_ http.ResponseWriter, r *http.Request) (answer, error) {
	list, err := s.cluster.Nodes(r.Context())
	if err != nil {
		return answer{}, err
	}
	return clusterAnswer(map[string]any{"nodes": list})
}

func (s *site) getNode(_ http.ResponseWriter, r *http.Request) (answer, error) {
	list, err := s.cluster.Nodes(r.Context())
	if err != nil {
		return answer{}, err
	}
	name := r.PathValue("name")
	for _, n := range list {
		if n.Name == name || n.ID == name {
			return clusterAnswer(n)
		}
	}
	return answer{}, Refuse(ErrNotFound, "There is no node %q.", name)
}

func (s *site) listShards(_ http.ResponseWriter, r *http.Request) (answer, error) {
	list, err := s.cluster.Shards(r.Context())
	if err != nil {
		return answer{}, err
	}
	return clusterAnswer(map[string]any{"shards": list})
}

func (s *site) getSelf(_ http.ResponseWriter, r *http.Request) (answer, error) {
	n, err := s.cluster.Self(r.Context())
	if err != nil {
		return answer{}, err
	}
	return clusterAnswer(n)
}

func (s *site) getFormat(_ http.ResponseWriter, r *http.Request) (answer, error) {
	f, err := s.cluster.Format(r.Context())
	if err != nil {
		return answer{}, err
	}
	return clusterAnswer(f)
}

func (s *site) finalize(_ http.ResponseWriter, r *http.Request) (answer, error) {
	f, err := s.cluster.Finalize(r.Context())
	if err != nil {
		return answer{}, err
	}
	s.logger.Warn("the format level was finalized", "level", f.Level, "by", r.RemoteAddr)
	return clusterAnswer(f)
}

func (s *site) drainNode(keep bool) handler {
	return func(_ http.ResponseWriter, r *http.Request) (answer, error) {
		return answer{}, s.cluster.Drain(r.Context(), r.PathValue("name"), keep)
	}
}

func (s *site) removeNode(_ http.ResponseWriter, r *http.Request) (answer, error) {
	return answer{}, s.cluster.Remove(r.Context(), r.PathValue("name"))
}

// recoverShard asks for the words that say that the caller knows what it costs.
func (s *site) recoverShard(w http.ResponseWriter, r *http.Request) (answer, error) {
	id, err := parseShard(r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return answer{}, err
	}
	var said struct {
		Confirm string `json:"confirm"`
	}
	if json.Unmarshal(body, &said) != nil || said.Confirm != confirmLoss {
		return answer{}, Refuse(ErrUnprocessable, "What other nodes have of the shard and this one has not is lost: to go on, send {\"confirm\":%q}.", confirmLoss)
	}
	s.logger.Warn("unsafe recovery of a shard was asked for", "shard", ShardName(id), "by", r.RemoteAddr)
	err = s.cluster.Recover(r.Context(), id)
	s.logger.Warn("unsafe recovery of a shard", "shard", ShardName(id), "by", r.RemoteAddr, "error", err)
	return answer{}, err
}

const confirmLoss = "data may be lost"

func parseShard(text string) (ids.Shard, error) {
	if text == ShardName(ids.System) {
		return ids.System, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n >= ids.MaxShards {
		return 0, Refuse(ErrNotFound, "There is no shard %q.", text)
	}
	return ids.Shard(n), nil
}

func (s *site) reloadKeys(_ http.ResponseWriter, r *http.Request) (answer, error) {
	faults, err := s.cluster.Reload(r.Context())
	if err != nil {
		return answer{}, err
	}
	var told []string
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		told = append(told, name+": "+faults[name])
	}
	if len(told) > 0 {
		return answer{}, Refuse(ErrConflict, "Not all nodes could read them anew: %s.", strings.Join(told, "; "))
	}
	return answer{}, nil
}
