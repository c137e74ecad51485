package shell

import (
	"time"

	"dormouse/codec/wire"
)

// proposal is what one turn of a loop writes to one shard.
type proposal struct {
	shard   *shard // nil: it was lost meanwhile, and nobody waits any more
	batch   wire.Batch
	waiters []*group    // a group is in it once for each commit that it waits for
	posts   []wire.Sign // signposts that it sets
	wiped   []wire.Sign // and that it removes
	mark    time.Time   // that it writes, zero for none
	err     error

	// done is given to Propose, settle runs on the loop: made once, because a
	// proposal is used again.
	done   func(error)
	settle func()
}

// proposal is the shard's of this turn; what is added to it is proposed at the
// end of the turn.
func (l *loop) proposal(s *shard) *proposal {
	if s.writes == nil {
		s.writes = l.newProposal(s)
		l.dirty = append(l.dirty, s)
	}
	return s.writes
}

func (l *loop) newProposal(s *shard) *proposal {
	if n := len(l.spareProposals); n > 0 {
		p := l.spareProposals[n-1]
		l.spareProposals = l.spareProposals[:n-1]
		p.shard = s
		return p
	}
	p := &proposal{shard: s}
	p.done = func(err error) {
		p.err = err
		l.inbox.post(p.settle)
	}
	p.settle = func() { l.settle(p) }
	return p
}

// proposeAll hands over what this turn wrote, one batch a shard.
func (l *loop) proposeAll() {
	for i, s := range l.dirty {
		p := s.writes
		if p.mark.IsZero() {
			l.takeAlong(s, p)
		}
		s.writes = nil
		l.dirty[i] = nil
		l.committing++
		s.flying = append(s.flying, p)
		l.options.Propose(s.ID, &p.batch, p.done)
	}
	l.dirty = l.dirty[:0]
}

// settle runs when a proposal is committed or has failed.
func (l *loop) settle(p *proposal) {
	s := p.shard
	if s == nil {
		l.keepProposal(p)
		return
	}
	l.committing--
	s.landed(p)
	if !p.mark.IsZero() {
		l.markSettled(s, p)
	}
	if p.err == nil {
		l.armed(p)
	} else {
		l.stats.commitsFailed.Add(1)
		if f := l.options.Events.CommitFailed; f != nil {
			f(s.ID, p.err)
		}
	}
	for _, sign := range p.posts {
		s.posts.done(sign)
	}
	for _, sign := range p.wiped {
		s.hints.forget(sign)
	}
	err := p.err
	for i, g := range p.waiters {
		p.waiters[i] = nil
		l.answer(g, err)
	}
	l.keepProposal(p)
}

// answer tells a group of any loop that one of its commits is done.
func (l *loop) answer(g *group, err error) {
	if g.loop == l {
		l.settled(g, err)
	} else {
		l.hand(g.loop, func() { g.loop.settled(g, err) })
	}
}

// maxProposal is the memory of a batch that is kept for the next use.
const maxProposal = 1 << 20

func (l *loop) keepProposal(p *proposal) {
	p.batch.Reset()
	p.shard, p.err, p.mark = nil, nil, time.Time{}
	p.waiters, p.posts, p.wiped = p.waiters[:0], p.posts[:0], p.wiped[:0]
	if len(l.spareProposals) < 64 && cap(p.batch.Bytes()) <= maxProposal {
		l.spareProposals = append(l.spareProposals, p)
	}
}
