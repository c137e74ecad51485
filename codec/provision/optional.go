package provision

// Optional is a value that may be absent, which is not the same as zero.
type Optional[T any] struct {
	Value T
	Given bool
}

// Some is a value that is given.
func Some[T any](v T) Optional[T] { return Optional[T]{v, true} }

// Or is the value, or other where it is absent.
func (o Optional[T]) Or(other T) T {
	if o.Given {
		return o.Value
	}
	return other
}
