// Copyright The otelcol-saberloop Authors
// SPDX-License-Identifier: Apache-2.0

package entry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/xpdata"
)

// errDuplicate is returned for an entry that repeats a known member.
var errDuplicate = errors.New("known member repeated")

// refusal is the reason why an entry that is valid JSON is refused.
type refusal struct{ reason string }

func (e *refusal) Error() string { return e.reason }

// source decodes JSON into pdata, token by token. Strings without escapes are
// substrings of one copy of the text.
type source struct {
	dec    *jsontext.Decoder
	buf    bytes.Buffer
	body   []byte
	text   string
	limits Limits
	keys   []string // of the open objects, to find repeated keys
	// long is the result of longLists.
	long     map[int64]int
	scratch  []byte
	builders []*xpdata.MapBuilder // empty, for reuse
}

var sources = sync.Pool{New: func() any {
	return &source{dec: jsontext.NewDecoder(new(bytes.Buffer))}
}}

// newSource returns a source that reads body, which must not change until
// release. Nesting of limits.MaxDepth levels or more is a syntax error.
func newSource(body []byte, limits Limits) (*source, error) {
	if i := invalidUTF8(body); i >= 0 {
		return nil, &SyntaxError{Detail: fmt.Sprintf("invalid UTF-8 at byte %d", i)}
	}
	s := sources.Get().(*source)
	s.body, s.text, s.limits, s.long = body, string(body), limits, longLists(body, limits.MaxDepth)
	s.buf = *bytes.NewBuffer(body)
	s.dec.Reset(&s.buf,
		// The last value wins, see lastWins.
		jsontext.AllowDuplicateNames(true),
		// Invalid UTF-8 was refused above. This option allows escaped lone
		// surrogates, which become U+FFFD.
		jsontext.AllowInvalidUTF8(true))
	return s, nil
}

func (s *source) release() {
	s.dropKeys(0)
	// Do not retain the memory for an unusual text.
	const ordinary = 1 << 10
	if cap(s.keys) > ordinary {
		s.keys = nil
	}
	if cap(s.scratch) > ordinary {
		s.scratch = nil
	}
	s.body, s.text, s.buf, s.long = nil, "", bytes.Buffer{}, nil
	sources.Put(s)
}

func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; ; {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
}

// syntaxError converts an error of the JSON decoder to a *SyntaxError.
func (s *source) syntaxError(err error) error {
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntactic):
		return &SyntaxError{Detail: fmt.Sprintf("%s at byte %d", withoutQuote(syntactic.Err.Error()), syntactic.ByteOffset)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &SyntaxError{Detail: fmt.Sprintf("unexpected end at byte %d", len(s.body))}
	default:
		return err
	}
}

// withoutQuote removes the text at fault from a message of the JSON decoder,
// because errors are logged: "invalid character 'x' in number" becomes "invalid
// character in number".
func withoutQuote(message string) string {
	message = strings.TrimPrefix(message, "jsontext: ")
	for _, prefix := range []string{"invalid character", "invalid escape sequence", "invalid surrogate pair"} {
		rest, found := strings.CutPrefix(message, prefix+" ")
		if !found {
			continue
		}
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return prefix
		}
		return prefix + strings.TrimPrefix(rest, quoted)
	}
	return message
}

// open reads the '{' or '[' that PeekKind found.
func (s *source) open() error {
	if _, err := s.dec.ReadToken(); err != nil {
		return s.syntaxError(err)
	}
	if s.dec.StackDepth() >= s.limits.MaxDepth {
		return &SyntaxError{Detail: fmt.Sprintf("nested %d levels deep at byte %d, %d are allowed", s.dec.StackDepth(), s.dec.InputOffset(), s.limits.MaxDepth-1)}
	}
	return nil
}

// token reads the token that PeekKind found, or returns the syntax error.
func (s *source) token() error {
	if _, err := s.dec.ReadToken(); err != nil {
		return s.syntaxError(err)
	}
	return nil
}

// end checks that only white space follows.
func (s *source) end() error {
	_, err := s.dec.ReadToken()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return s.syntaxError(err)
	default:
		return &SyntaxError{Detail: fmt.Sprintf("more than one JSON value at byte %d", s.dec.InputOffset())}
	}
}

// skip reads and discards the next value.
func (s *source) skip() error {
	return s.skipTo(s.dec.StackDepth())
}

// skipTo discards tokens until the nesting depth is depth.
func (s *source) skipTo(depth int) error {
	for {
		switch s.dec.PeekKind() {
		case '{', '[':
			if err := s.open(); err != nil {
				return err
			}
		default:
			if err := s.token(); err != nil {
				return err
			}
		}
		if s.dec.StackDepth() == depth {
			return nil
		}
	}
}

// literal reads the next value, a scalar, and returns its text.
func (s *source) literal() (string, error) {
	raw, err := s.dec.ReadValue()
	if err != nil {
		return "", s.syntaxError(err)
	}
	end := int(s.dec.InputOffset())
	return s.text[end-len(raw) : end], nil
}

// str reads a string or the key of a member.
func (s *source) str() (string, error) {
	lit, err := s.literal()
	if err != nil {
		return "", err
	}
	if len(lit)-len(`""`) > s.limits.MaxStringBytes {
		return "", &refusal{reason: fmt.Sprintf("string of more than %d bytes at byte %d", s.limits.MaxStringBytes, s.dec.InputOffset())}
	}
	if strings.IndexByte(lit, '\\') < 0 {
		return lit[1 : len(lit)-1], nil
	}
	// The only possible error is a lone surrogate, which is replaced.
	s.scratch, _ = jsontext.AppendUnquote(s.scratch[:0], lit)
	return string(s.scratch), nil
}

// value reads any JSON value into v, which must be empty.
func (s *source) value(v pcommon.Value) error {
	switch s.dec.PeekKind() {
	case '"':
		str, err := s.str()
		if err != nil {
			return err
		}
		v.SetStr(str)
		return nil
	case '0':
		lit, err := s.literal()
		if err != nil {
			return err
		}
		return s.number(lit, v)
	case '{':
		return s.object(v.SetEmptyMap())
	case '[':
		return s.array(v.SetEmptySlice())
	case 't', 'f':
		token, err := s.dec.ReadToken()
		if err != nil {
			return s.syntaxError(err)
		}
		v.SetBool(token.Bool())
		return nil
	default: // null or a syntax error
		_, err := s.literal()
		return err
	}
}

// number sets v to an int64 if the number has neither fraction nor exponent,
// and to a double otherwise. The digits of an integer that neither can
// represent exactly are kept as bytes.
func (s *source) number(lit string, v pcommon.Value) error {
	integer := !strings.ContainsAny(lit, ".eE")
	if integer {
		if n, err := strconv.ParseInt(lit, 10, 64); err == nil {
			v.SetInt(n)
			return nil
		}
	}
	f, err := strconv.ParseFloat(lit, 64)
	if err != nil {
		return s.outOfRange()
	}
	if integer && !exactly(f, lit) {
		v.SetEmptyBytes().Append([]byte(lit)...)
		return nil
	}
	v.SetDouble(f)
	return nil
}

func (s *source) tooManyKeys() error {
	return &refusal{reason: fmt.Sprintf("object with more than %d keys at byte %d", s.limits.MaxKeys, s.dec.InputOffset())}
}

func (s *source) outOfRange() error {
	return &refusal{reason: "number out of range at byte " + strconv.FormatInt(s.dec.InputOffset(), 10)}
}

// exactly reports whether appendDouble writes f as the integer with these
// digits.
func exactly(f float64, digits string) bool {
	return math.Abs(f) < exponentFrom && strconv.FormatFloat(f, 'f', 0, 64) == digits
}

// bigInteger reports whether digits are an integer that number keeps as bytes.
func bigInteger(digits []byte) bool {
	rest := bytes.TrimPrefix(digits, []byte("-"))
	if len(rest) < 19 || rest[0] == '0' || len(bytes.Trim(rest, "0123456789")) > 0 {
		return false
	}
	lit := string(digits)
	if _, err := strconv.ParseInt(lit, 10, 64); err == nil {
		return false
	}
	f, err := strconv.ParseFloat(lit, 64)
	return err == nil && !exactly(f, lit)
}

func (s *source) array(to pcommon.Slice) error {
	if err := s.open(); err != nil {
		return err
	}
	if n := s.long[s.dec.InputOffset()]; n > 0 {
		to.EnsureCapacity(n)
	}
	for s.dec.PeekKind() != ']' {
		if err := s.value(to.AppendEmpty()); err != nil {
			return err
		}
	}
	return s.token()
}

func (s *source) object(to pcommon.Map) error {
	if len(s.builders) == 0 {
		s.builders = append(s.builders, new(xpdata.MapBuilder))
	}
	last := len(s.builders) - 1
	members := s.builders[last]
	s.builders = s.builders[:last]
	first := len(s.keys)
	if err := s.members(members, func(key string) string { return key }); err != nil {
		return err
	}
	s.into(to, members, first)
	s.builders = append(s.builders, members)
	return nil
}

// members reads the members of an object into mb. rename returns the new name
// of a key.
func (s *source) members(mb *xpdata.MapBuilder, rename func(string) string) error {
	if err := s.open(); err != nil {
		return err
	}
	if n := min(s.long[s.dec.InputOffset()], s.limits.MaxKeys); n > 0 {
		mb.EnsureCapacity(n)
		s.keys = slices.Grow(s.keys, n)
	}
	for members := 0; s.dec.PeekKind() != '}'; members++ {
		if members == s.limits.MaxKeys {
			return s.tooManyKeys()
		}
		key, err := s.str()
		if err != nil {
			return err
		}
		if err := s.value(s.put(mb, rename(key))); err != nil {
			return err
		}
	}
	return s.token()
}

// put appends an empty value to mb and records its key.
func (s *source) put(mb *xpdata.MapBuilder, key string) pcommon.Value {
	s.keys = append(s.keys, key)
	return mb.AppendEmpty(key)
}

// into moves the members of mb to m. Their keys are recorded from first on.
func (s *source) into(m pcommon.Map, mb *xpdata.MapBuilder, first int) {
	mb.UnsafeIntoMap(m)
	if keys := s.keys[first:]; repeated(keys) {
		lastWins(m, keys)
	}
	s.dropKeys(first)
}

// dropKeys removes the keys from first on, and clears them so that the text can
// be collected.
func (s *source) dropKeys(first int) {
	clear(s.keys[first:])
	s.keys = s.keys[:first]
}

// repeated reports whether keys has duplicates. It may reorder keys.
func repeated(keys []string) bool {
	// Up to this number, comparing all pairs is faster than sorting.
	const few = 16
	if len(keys) > few {
		slices.Sort(keys)
		for i, key := range keys[1:] {
			if key == keys[i] {
				return true
			}
		}
		return false
	}
	for i, key := range keys {
		if slices.Contains(keys[:i], key) {
			return true
		}
	}
	return false
}

// lastWins removes repeated keys from m. Each key keeps its first position and
// its last value, as with JSON.parse. keys are the keys of m. It may reorder
// keys.
func lastWins(m pcommon.Map, keys []string) {
	slices.Sort(keys)
	twice := keys[:0]
	for i, key := range keys {
		if i > 0 && key == keys[i-1] && (len(twice) == 0 || twice[len(twice)-1] != key) {
			twice = append(twice, key)
		}
	}
	last := make([]pcommon.Value, len(twice))
	for key, v := range m.All() {
		if i, found := slices.BinarySearch(twice, key); found {
			last[i] = v
		}
	}
	m.RemoveIf(func(key string, v pcommon.Value) bool {
		i, found := slices.BinarySearch(twice, key)
		if !found {
			return false
		}
		if last[i] == (pcommon.Value{}) {
			return true
		}
		last[i].MoveTo(v)
		last[i] = pcommon.Value{}
		return false
	})
}

// lastMembersWin is lastWins for the text of an object. It is slow, and only
// used for entries that repeat a known member.
func lastMembersWin(object []byte, limits Limits) ([]byte, error) {
	s, err := newSource(object, limits)
	if err != nil {
		return nil, err
	}
	defer s.release()
	if err := s.open(); err != nil {
		return nil, err
	}
	type member struct{ key, value string }
	var members []member
	at := map[string]int{}
	for s.dec.PeekKind() != '}' {
		key, err := s.str()
		if err != nil {
			return nil, err
		}
		value, err := s.literal()
		if err != nil {
			return nil, err
		}
		if i, ok := at[key]; ok {
			members[i].value = value
			continue
		}
		if len(members) == limits.MaxKeys {
			return nil, s.tooManyKeys()
		}
		at[key] = len(members)
		members = append(members, member{key, value})
	}
	if err := s.token(); err != nil {
		return nil, err
	}
	if err := s.end(); err != nil {
		return nil, err
	}
	out := []byte{'{'}
	for i, m := range members {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, m.key), ':')
		out = append(out, m.value...)
	}
	return append(out, '}'), nil
}

// refuse skips a value that is not an object and returns the refusal.
func (s *source) refuse() error {
	if err := s.skip(); err != nil {
		return err
	}
	return &refusal{reason: "not an object"}
}
