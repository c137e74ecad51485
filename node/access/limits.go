package access

import (
	"context"
	"time"

	"dormouse/actors/access"
)

// open refuses a subject that is locked.
func (s *Service) open(subject access.Subject) (shared access.Count, err error) {
	shared, _, err = s.shared(subject)
	if err != nil {
		return shared, err
	}
	now := s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if wait := s.limiter.Check(subject, shared, now); wait > 0 {
		return shared, &access.Throttled{After: wait}
	}
	return shared, nil
}

// failed counts a failure of a source.
func (s *Service) failed(ctx context.Context, source access.Subject) {
	shared, _, err := s.shared(source)
	if err != nil {
		return // the login fails anyway
	}
	now := s.o.Now()
	s.mu.Lock()
	c, locked := s.limiter.Fail(source, shared, now)
	s.mu.Unlock()
	if locked {
		s.share(ctx, source, c, now)
	}
}

// sharedPerSecond bounds the locks that a node tells the others of.
const sharedPerSecond = 10

// leaderWithin bounds how long a login waits for what it found out to be stored.
const leaderWithin = 2 * time.Second

// share tells the other nodes of a lock. Where that fails it holds on this node alone.
func (s *Service) share(ctx context.Context, subject access.Subject, c access.Count, now time.Time) {
	s.mu.Lock()
	wait := s.sharing.Take(sharedPerSecond, now)
	s.mu.Unlock()
	if wait > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, leaderWithin)
	defer cancel()
	if err := s.leader.Lock(ctx, subject, c); err != nil {
		s.o.Log.Debug("a lock holds on this node alone", "error", err)
	}
}

// Admit counts a request against the rate of its tenant at this node. *access.Throttled
// refuses.
func (s *Service) Admit(p *access.Principal) error {
	t, found, err := s.tenant(p.Tenant)
	if err != nil || !found {
		return err
	}
	now := s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.buckets[t.ID]
	if b == nil {
		b = new(access.Bucket)
		s.buckets[t.ID] = b
	}
	if wait := b.Take(t.Quotas.Rate, now); wait > 0 {
		return &access.Throttled{After: wait}
	}
	return nil
}
