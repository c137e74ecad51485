package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"dormouse/codec/ids"
	"dormouse/node/admin"
)

// method is a change with its arguments A and its result R: what is asked of
// another node, and what is done there or here. Both travel as JSON.
type method[A, R any] struct {
	name string
	// shard is where it is carried out.
	shard func(r *Router, a *A) ids.Shard
	// repeat reports that it does no harm to be carried out twice.
	repeat func(a *A) bool
	// gone: where an earlier try may have been carried out, that there is nothing
	// is what was wanted.
	gone bool
	run  func(ctx context.Context, p *Parts, a *A) (R, error)
}

// callShape is a request of KindMethod behind its version.
type callShape struct {
	Method string          `json:"method"`
	Args   json.RawMessage `json:"args"`
}

// encode is JSON that leaves members of objects as they are, to the letter.
func encode(dst []byte, v any) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("remote: encode a %T: %w", v, err)
	}
	return b.Bytes(), nil
}

func always[A any](*A) bool { return true }

// call carries a method out where its shard is led.
func call[A, R any](ctx context.Context, r *Router, m *method[A, R], a A) (result R, err error) {
	args, err := encode(nil, a)
	if err != nil {
		return result, err
	}
	request, err := encode([]byte{version}, callShape{m.name, args})
	if err != nil {
		return result, err
	}
	doubtful, err := r.route(ctx, m.shard(r, &a), trip{
		repeat: m.repeat(&a),
		here: func(ctx context.Context) (err error) {
			result, err = m.run(ctx, r.parts.Load(), &a)
			return err
		},
		there: func(ctx context.Context, to ids.Node) error {
			answer, err := r.ask(ctx, to, KindMethod, request)
			if err == nil {
				var fresh R
				if err = json.Unmarshal(answer, &fresh); err != nil {
					err = fmt.Errorf("%w of node %s to %s: %w", errAnswer, to, m.name, err)
				}
				result = fresh
			}
			return err
		},
	})
	if m.gone && doubtful && errors.Is(err, admin.ErrNotFound) {
		err = nil
	}
	return result, err
}

// serve carries a method out for another node.
func (m *method[A, R]) serve(ctx context.Context, r *Router, args, dst []byte) (ids.Shard, []byte, error) {
	var a A
	if err := json.Unmarshal(args, &a); err != nil {
		return 0, nil, requestError("malformed arguments of " + m.name) // which may hold a key
	}
	shard := m.shard(r, &a)
	if !r.exists(shard) {
		return 0, nil, requestError(m.name + " in no shard")
	}
	if err := r.leads(shard); err != nil {
		return shard, nil, err
	}
	result, err := m.run(ctx, r.parts.Load(), &a)
	if err != nil {
		return shard, nil, err
	}
	answer, err := encode(dst, result)
	return shard, answer, err
}

// served is a method whatever its types.
type served interface {
	serve(ctx context.Context, r *Router, args, dst []byte) (ids.Shard, []byte, error)
}

func (r *Router) serveMethod(ctx context.Context, request, dst []byte) (ids.Shard, []byte, error) {
	var c callShape
	if err := json.Unmarshal(request, &c); err != nil {
		return 0, nil, requestError("a malformed call")
	}
	m := methods[c.Method]
	if m == nil {
		return 0, nil, requestError(fmt.Sprintf("a call of the unknown method %.64q", c.Method))
	}
	return m.serve(ctx, r, c.Args, dst)
}
