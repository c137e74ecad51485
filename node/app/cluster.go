package app

import (
	"context"
	"errors"
	"fmt"

	"dormouse/cluster/shards"
	"dormouse/codec/ids"
	"dormouse/node/admin"
	"dormouse/node/peers"
)

// cluster answers the API's questions about nodes.
func (a *App) cluster() admin.Cluster {
	if a.peers == nil {
		return alone{a}
	}
	return among{a}
}

// alone is a node that is all there is.
type alone struct{ a *App }

func (o alone) Self(context.Context) (admin.Node, error) {
	n := int(o.a.env.Shards)
	return admin.Node{
		Name: o.a.name(), ID: o.a.self.ID.String(), Zone: o.a.config.Zone, State: "alone", Incarnation: o.a.self.Incarnation,
		Replicas: n, Leads: n, Self: true, Version: o.a.version,
		Formats: levels(o.a.formats.Program()),
	}, nil
}

func (o alone) Nodes(ctx context.Context) ([]admin.Node, error) {
	n, err := o.Self(ctx)
	return []admin.Node{n}, err
}

func (o alone) Shards(context.Context) ([]admin.ShardGroup, error) {
	var list []admin.ShardGroup
	for _, id := range o.a.env.Shards.All() {
		if s, ok := o.a.engine.Status(id); ok {
			list = append(list, group(s, nil, func(ids.Node) string { return o.a.name() }))
		}
	}
	return list, nil
}

func (o alone) Drain(context.Context, string, bool) error {
	return admin.Refuse(admin.ErrConflict, "The node is alone: there is nowhere to move its data to.")
}

func (o alone) Remove(context.Context, string) error {
	return admin.Refuse(admin.ErrConflict, "The node is alone.")
}

// among is a node among others.
type among struct{ a *App }

func (o among) Nodes(context.Context) ([]admin.Node, error) {
	views, err := o.a.peers.Nodes()
	if err != nil {
		return nil, err
	}
	list := make([]admin.Node, len(views))
	for i, v := range views {
		list[i] = admin.Node{
			Name: v.Name, ID: v.ID.String(), Zone: v.Zone, Address: v.Addr.String(), State: state(v), Incarnation: v.Incarnation,
			Replicas: v.Replicas, Leads: v.Leads, Self: v.ID == o.a.self.ID,
			Formats: levels(v.Reads),
		}
		if list[i].Self {
			list[i].Version = o.a.version
		}
	}
	return list, nil
}

func state(v peers.NodeView) string {
	switch {
	case !v.Alive:
		return "down"
	case v.Leaving:
		return "leaving"
	case v.Draining:
		return "draining"
	case v.Full:
		return "full"
	}
	return "up"
}

func (o among) Self(ctx context.Context) (admin.Node, error) {
	list, err := o.Nodes(ctx)
	for _, n := range list {
		if n.Self {
			return n, err
		}
	}
	n, _ := alone(o).Self(ctx)
	n.State, n.Replicas, n.Leads = "joining", 0, 0
	return n, err
}

func (o among) Shards(ctx context.Context) ([]admin.ShardGroup, error) {
	views, err := o.a.peers.Shards(ctx)
	if err != nil {
		return nil, err
	}
	nodes, err := o.a.peers.Nodes()
	if err != nil {
		return nil, err
	}
	names := map[ids.Node]string{}
	for _, n := range nodes {
		names[n.ID] = n.Name
	}
	name := func(n ids.Node) string {
		if s := names[n]; s != "" {
			return s
		}
		return n.String()
	}
	list := make([]admin.ShardGroup, len(views))
	for i, v := range views {
		list[i] = group(v.Status, v.Wanted, name)
	}
	return list, nil
}

func group(s shards.Status, wanted []ids.Node, name func(ids.Node) string) admin.ShardGroup {
	named := func(list []ids.Node) []string {
		out := make([]string, len(list))
		for i, n := range list {
			out[i] = name(n)
		}
		return out
	}
	g := admin.ShardGroup{Shard: admin.ShardName(s.Shard), Term: s.Term, Voters: named(s.Voters), Learners: named(s.Learners)}
	if s.Leader != 0 {
		g.Leader = name(s.Leader)
	}
	if len(wanted) > 0 {
		g.Wanted = named(wanted)
	}
	return g
}

func (o among) Drain(ctx context.Context, name string, keep bool) error {
	return acted(name, o.a.peers.Drain(ctx, name, keep))
}

func (o among) Remove(ctx context.Context, name string) error {
	return acted(name, o.a.peers.Remove(ctx, name))
}

func acted(name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, peers.ErrNoNode):
		return admin.Refuse(admin.ErrNotFound, "There is no node %q.", name)
	case errors.Is(err, peers.ErrAlive):
		return admin.Refuse(admin.ErrConflict, "Node %q is there and holds data: drain it first, or end it.", name)
	}
	return fmt.Errorf("%w: %w", admin.ErrBusy, err)
}

// Recover implements admin.Cluster, for a node that is alone: it has its majority.
func (o alone) Recover(context.Context, ids.Shard) error {
	return admin.Refuse(admin.ErrConflict, "The node is alone, and leads all shards.")
}

// Reload implements admin.Cluster.
func (o alone) Reload(context.Context) (map[string]string, error) {
	if err := o.a.Reload(); err != nil {
		return map[string]string{o.a.name(): err.Error()}, nil
	}
	return map[string]string{}, nil
}

func (o among) Recover(ctx context.Context, shard ids.Shard) error {
	done := make(chan error, 1)
	o.a.engine.Recover(shard, func(err error) { done <- err })
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		return ctx.Err()
	}
	switch {
	case errors.Is(err, shards.ErrNoReplica):
		return admin.Refuse(admin.ErrNotFound, "This node has no replica of shard %s.", admin.ShardName(shard))
	case errors.Is(err, shards.ErrMove):
		return admin.Refuse(admin.ErrConflict, "Shard %s needs no recovery: %v.", admin.ShardName(shard), err)
	}
	return err
}

func (o among) Reload(ctx context.Context) (map[string]string, error) {
	return o.a.peers.ReloadAll(ctx), nil
}
