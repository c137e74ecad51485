package access

import (
	"context"

	"dormouse/actors/access"
	"dormouse/node/admin"
)

// maxHashing bounds who waits for a password to be hashed; more are answered 503.
const maxHashing = 64

// hasher bounds the memory and the processors that passwords take.
type hasher struct {
	slots   chan struct{}
	waiting chan struct{}
}

func newHasher(most int) hasher {
	return hasher{make(chan struct{}, most), make(chan struct{}, maxHashing)}
}

// do runs f when there is a slot.
func (h *hasher) do(ctx context.Context, f func()) error {
	select {
	case h.waiting <- struct{}{}:
	default:
		return admin.Refuse(admin.ErrBusy, "Too many logins are being verified: try again.")
	}
	defer func() { <-h.waiting }()
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.slots }()
	f()
	return nil
}

func (s *Service) hash(ctx context.Context, password access.Secret) (h access.Secret, err error) {
	err = s.hasher.do(ctx, func() {
		salt := random[[access.SaltLen]byte]()
		h = access.HashPassword(password, salt[:], s.o.Cost)
	})
	return h, err
}

func (s *Service) verify(ctx context.Context, h, password access.Secret) (ok bool, err error) {
	err = s.hasher.do(ctx, func() { ok = access.Verify(h, password) })
	return ok, err
}

// flight is a verification that is under way: requests that come with the same user,
// password and source meanwhile wait for it. A client that begins with many requests
// at once is one attempt, and costs one Argon2.
type flight struct {
	done chan struct{}
	ok   bool
	err  error
}

// fly runs verify for the proof, or waits for who does. first is called before it runs,
// and refuses. Whoever waits gives up when ctx is done; who runs is bounded by ctx while
// it waits for a slot.
func (s *Service) fly(ctx context.Context, p access.Proof, first func() error, verify func() (bool, error)) (ok bool, err error) {
	s.mu.Lock()
	f := s.flights[p]
	if f != nil {
		s.mu.Unlock()
		select {
		case <-f.done:
			return f.ok, f.err
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	if err := first(); err != nil {
		s.mu.Unlock()
		return false, err
	}
	f = &flight{done: make(chan struct{})}
	s.flights[p] = f
	s.mu.Unlock()
	f.ok, f.err = verify()
	s.mu.Lock()
	delete(s.flights, p)
	s.mu.Unlock()
	close(f.done)
	return f.ok, f.err
}
