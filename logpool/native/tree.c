/* What lines left that were cut, as a tree: a line that would leave the same need not be put together.

   A line is followed from its begin on. What texts have in common stands in the tree once, and is compared at once; where they hold a
   mark, whatever leaves that mark may stand in the line. */
#include "ids.h"

#include <stdlib.h>
#include <string.h>

/* When it is as large as that, it is begun anew. */
enum { MOST_NODES = 1 << 15, MOST_BYTES = 1 << 22, MOST_LINE = 1 << 16 };

/* What some texts have in common behind a mark, 0 for none; then they go on in different ways, of which `first` is one and `next` of each
   the next one, 0 for none; `leaf` is the text that ends here, NONE for none. */
typedef struct {
    uint32_t begin, size, first, next, leaf;
    uint32_t marks; /* with which ways on begin, a bit for each */
    char mark, byte; /* the first one of what is in common; of no account where that is nothing */
} Node;

/* A text: the key of the lines that leave it, NONE while that is not to be told; the number of its pattern; whether a clock may stand where a
   number or word does, so that it depends on the line whether there is one in it; and whether there was one in the line that was kept. */
typedef struct {
    uint32_t key, pattern;
    uint8_t asks_clock, has_clock;
} Leaf;

struct Tree {
    Node *nodes;
    Leaf *leaves;
    char *bytes;
    int64_t node_count, node_room, leaf_count, leaf_room, size, room;
    Buffer key;
};

API void tree_free(Tree *tree)
{
    if (!tree)
        return;
    free(tree->nodes);
    free(tree->leaves);
    free(tree->bytes);
    free(tree->key.bytes);
    free(tree);
}

static void clear(Tree *tree)
{
    tree->nodes[0] = (Node){.leaf = NONE};
    tree->node_count = 1;
    tree->leaf_count = tree->size = 0;
}

API Tree *tree_new(void)
{
    enum { NODES = 1 << 6, BYTES = 1 << 12 };
    Tree *tree = calloc(1, sizeof(Tree));
    if (!tree)
        return NULL;
    tree->node_room = tree->leaf_room = NODES;
    tree->room = BYTES;
    tree->nodes = malloc(NODES * sizeof(Node));
    tree->leaves = malloc(NODES * sizeof(Leaf));
    tree->bytes = malloc(BYTES);
    if (!tree->nodes || !tree->leaves || !tree->bytes) {
        tree_free(tree);
        return NULL;
    }
    clear(tree);
    return tree;
}

static const Node *way_by_mark(const Tree *tree, const Node *node, char mark)
{
    if (!(node->marks >> mark & 1))
        return NULL;
    for (uint32_t way = node->first; way; way = tree->nodes[way].next)
        if (tree->nodes[way].mark == mark)
            return tree->nodes + way;
    return NULL;
}

static const Node *way_by_byte(const Tree *tree, const Node *node, char byte)
{
    for (uint32_t way = node->first; way; way = tree->nodes[way].next)
        if (!tree->nodes[way].mark && tree->nodes[way].byte == byte)
            return tree->nodes + way;
    return NULL;
}

/* Whether an address stands in what was taken out for something else, or what a connection follows may end with it: then the address that is
   told is another one. */
static int holds_name(const char *at, const char *end)
{
    static const char connection[] = "onnection";
    const int64_t size = sizeof connection - 1;
    if (end - at >= size && end[-1] == connection[size - 1] && !memcmp(end - size, connection, (size_t)size))
        return 1;
    return holds_address(at, end);
}

static int line_has_clock(const Line *line)
{
    for (int64_t place = 0; place <= line->span_count; place++)
        if (has_clock(line->pieces[place].start, line->pieces[place].end))
            return 1;
    return 0;
}

/* A line on its way through the tree. */
typedef struct {
    const Line *line;
    const char *at, *end;
    const Piece *piece;
    Piece variables[LAST_BIT + 1];
    int64_t number;
    int has_clock, as_with_clock; /* -1 while not known */
} Walk;

/* The way on for a number of so many digits; where there are two, a clock decides. */
static const Node *way_by_number(const Tree *tree, const Node *node, char mark, Walk *walk)
{
    const Node *exact = way_by_mark(tree, node, mark), *any = way_by_mark(tree, node, any_number(mark));
    if (any_number(mark) == mark)
        return exact;
    if (exact && any) {
        if (walk->has_clock < 0)
            walk->has_clock = line_has_clock(walk->line);
        any = walk->has_clock ? NULL : any;
    }
    const Node *way = any ? any : exact;
    int as_with_clock = way == exact;
    if (!way || (walk->as_with_clock >= 0 && walk->as_with_clock != as_with_clock))
        return NULL;
    walk->as_with_clock = as_with_clock;
    return way;
}

/* The way on for what stands there in the line, which is passed as far as it leaves a mark; NULL where there is none. */
static const Node *way_on(const Tree *tree, const Node *node, Walk *walk, Kin *kin)
{
    const Line *line = walk->line;
    const char *at = walk->at, *end = walk->end, *behind;
    if (at == end) {
        walk->piece++;
        walk->at = walk->piece->start;
        walk->end = walk->piece->end;
        return way_by_mark(tree, node, TIME);
    }
    if (!node->marks)
        return way_by_byte(tree, node, *at);
    const Node *way = starts_address(at, end) && !kin->names[ADDRESS].start ? way_by_mark(tree, node, ADDRESSED) : NULL;
    /* where lines go on with others, too, it depends on what is behind them */
    int is_certain = way && !way_by_mark(tree, node, OTHER_ADDRESS) && !way_by_byte(tree, node, *at);
    if (way && (is_certain || address_of(line->pieces, line->span_count).start == at)) {
        walk->at = behind_hexadecimals(at + 2, end);
        kin->names[ADDRESS] = (Piece){at, walk->at};
        /* nobody knows what that is part of */
        return walk->at < end && is_alphanumeric(*walk->at) ? NULL : way;
    }
    way = way_by_mark(tree, node, TAKEN);
    if (way && !kin->names[SECONDS].start && (behind = behind_seconds(at, end))) {
        walk->at = behind;
        kin->names[SECONDS] = (Piece){at, behind};
        return way;
    }
    const Words *words = line->patterns ? line->patterns->words : NULL;
    char mark = line->ids ? mark_at(walk->piece->start, at, end, line->patterns != NULL, words, &behind) : 0;
    if (!mark)
        return way_by_byte(tree, node, *at);
    /* how the letters and digits before it go on tells what they are */
    if (is_within_token(walk->piece->start, at, end))
        return NULL;
    walk->at = behind;
    /* what stands behind a backslash may be escaped by it, and what stands behind that may be an id together with it */
    int is_escaped = words && at > walk->piece->start && (at[-1] == '\\' || is_alphanumeric(at[-1]));
    if (is_escaped || (mark != OTHER_ADDRESS && holds_name(at, behind)))
        return NULL;
    if (!is_variable(mark))
        return way_by_mark(tree, node, mark);
    walk->variables[walk->number] = (Piece){at, behind};
    walk->number += walk->number < LAST_BIT;
    return words ? way_by_number(tree, node, mark, walk) : way_by_mark(tree, node, mark);
}

/* The text that a line leaves; NULL where it is not there. */
static const Leaf *followed(const Tree *tree, Walk *walk, Kin *kin)
{
    const Line *line = walk->line;
    const Piece *last = line->pieces + line->span_count;
    const Node *node = tree->nodes;
    walk->piece = line->leading ? last : line->pieces;
    walk->at = walk->piece->start;
    walk->end = walk->piece->end;
    walk->number = 0;
    walk->has_clock = walk->as_with_clock = -1;
    *kin = (Kin){.key = NONE};
    for (;;) {
        if (walk->end - walk->at < node->size || !is_same(walk->at, tree->bytes + node->begin, node->size))
            return NULL;
        walk->at += node->size;
        if (walk->at == walk->end && walk->piece == last)
            break;
        node = way_on(tree, node, walk, kin);
        if (!node)
            return NULL;
    }
    const Leaf *leaf = node->leaf == NONE ? NULL : tree->leaves + node->leaf;
    if (!leaf || leaf->key == NONE)
        return NULL;
    if (leaf->asks_clock && walk->as_with_clock >= 0 && line_has_clock(line) != leaf->has_clock)
        return NULL;
    return leaf;
}

/* The key of a line whose pattern keeps some variables; NONE where there is none yet. */
static uint32_t key_with(Tree *tree, const Pattern *pattern, uint32_t number, const Walk *walk)
{
    int64_t size, room = walk->line->pieces[walk->line->span_count].end - walk->line->pieces[0].start;
    const char *text = texts_get(walk->line->patterns->texts, number, &size);
    Buffer *key = &tree->key;
    if ((walk->number == LAST_BIT && pattern->kept >> LAST_BIT) || !buffer_room(key, size + room))
        return NONE;
    key->size = 0;
    for (int64_t at = 0, variable = 0; at < size; at++) {
        if (!is_variable(text[at])) {
            key->bytes[key->size++] = text[at];
            continue;
        }
        if (pattern->kept >> variable & 1)
            add_bytes(key, walk->variables[variable].start, walk->variables[variable].end - walk->variables[variable].start);
        else
            key->bytes[key->size++] = text[at];
        variable += variable < LAST_BIT;
    }
    return texts_find(walk->line->keys, key->bytes, key->size);
}

int tree_find(Tree *tree, const Line *line, Kin *kin)
{
    Walk walk;
    walk.line = line;
    const Leaf *leaf = followed(tree, &walk, kin);
    if (!leaf)
        return 0;
    kin->key = leaf->key;
    if (!line->patterns)
        return 1;
    const Pattern *pattern = line->patterns->known + leaf->pattern;
    if (pattern->size) {
        const Piece *first = walk.variables + pattern->first, *last = first + pattern->size - 1;
        kin->thread = (Piece){first->start - pattern->before, last->end + pattern->behind};
        if (holds_ids(kin->thread.start, kin->thread.end, 0))
            return 0;
    }
    if (pattern->kept)
        kin->key = key_with(tree, pattern, leaf->pattern, &walk);
    return kin->key != NONE;
}

static int grown(void **rows, int64_t count, int64_t *room, size_t width)
{
    if (count < *room)
        return 1;
    void *more = realloc(*rows, (size_t)*room * 2 * width);
    if (!more)
        return 0;
    *rows = more;
    *room *= 2;
    return 1;
}

/* A new node of some bytes; 0 where memory ran out. */
static uint32_t add_node(Tree *tree, char mark, const char *text, int64_t size)
{
    if (!grown((void **)&tree->nodes, tree->node_count, &tree->node_room, sizeof(Node)))
        return 0;
    while (tree->size + size > tree->room)
        if (!grown((void **)&tree->bytes, tree->room, &tree->room, 1))
            return 0;
    memcpy(tree->bytes + tree->size, text, (size_t)size);
    tree->nodes[tree->node_count] =
        (Node){.begin = (uint32_t)tree->size, .size = (uint32_t)size, .leaf = NONE, .mark = mark, .byte = size ? *text : 0};
    tree->size += size;
    return (uint32_t)tree->node_count++;
}

static void add_way(Tree *tree, uint32_t node, uint32_t way)
{
    tree->nodes[way].next = tree->nodes[node].first;
    tree->nodes[node].first = way;
    char mark = tree->nodes[way].mark;
    tree->nodes[node].marks |= mark ? (uint32_t)1 << mark : 0;
}

/* What texts have in common at a node from now on is only so long: what is behind becomes the one way on. Returns 0 where memory ran out. */
static int split(Tree *tree, uint32_t node, uint32_t size)
{
    uint32_t way = add_node(tree, 0, "", 0);
    if (!way)
        return 0;
    Node *upper = tree->nodes + node, *lower = tree->nodes + way;
    *lower = (Node){.begin = upper->begin + size, .size = upper->size - size, .first = upper->first, .leaf = upper->leaf,
                    .byte = tree->bytes[upper->begin + size], .marks = upper->marks};
    upper->size = size;
    upper->first = way;
    upper->leaf = NONE;
    upper->marks = 0;
    return 1;
}

/* The node at which a text ends; 0 where memory ran out, or it has none. */
static uint32_t node_of(Tree *tree, const char *text, const char *end)
{
    uint32_t node = 0;
    for (;;) {
        const Node *here = tree->nodes + node;
        const char *common = tree->bytes + here->begin;
        uint32_t same = 0;
        while (same < here->size && text + same < end && text[same] == common[same])
            same++;
        if (same < here->size && !split(tree, node, same))
            return 0;
        text += same;
        if (text == end)
            return node;
        char mark = is_mark(*text) ? *text : 0;
        const Node *way = mark ? way_by_mark(tree, tree->nodes + node, mark) : way_by_byte(tree, tree->nodes + node, *text);
        text += mark != 0;
        uint32_t next = way ? (uint32_t)(way - tree->nodes) : 0;
        if (!next) {
            const char *behind = text;
            while (behind < end && !is_mark(*behind))
                behind++;
            next = add_node(tree, mark, text, behind - text);
            if (!next)
                return 0;
            add_way(tree, node, next);
        }
        node = next;
    }
}

/* What of a text tells, as far as its marks are concerned, whether lines that leave it are like it. */
enum { ALIKE, ASKS_CLOCK, UNLIKE };

static int likeness_of(const char *text, int64_t size, const Words *words)
{
    static const char taken[] = " taken: ";
    /* what is joined to a word may look like part of a clock */
    int found = words && words->may_join ? ASKS_CLOCK : ALIKE;
    for (int64_t at = 0; at < size; at++) {
        int is_colon = text[at] == ':' && words;
        char before = at ? text[at - 1] : 0, behind = at + 1 < size ? text[at + 1] : 0;
        /* a word may end so that it tells of seconds together with what is behind */
        if (at && is_mark(before) && size - at >= (int64_t)sizeof taken - 1 && !memcmp(text + at, taken, sizeof taken - 1))
            return UNLIKE;
        /* a clock is none where something of it is taken out */
        int is_cut = (is_mark(before) && !is_variable(before)) || (is_mark(behind) && !is_variable(behind));
        int is_of_clock = is_variable(before) || is_digit(before) || is_variable(behind) || is_digit(behind);
        if (is_colon && is_cut && is_of_clock)
            return UNLIKE;
        if (is_colon && (is_variable(before) || is_variable(behind)))
            found = ASKS_CLOCK;
    }
    return found;
}

static int is_marked(const Line *line)
{
    for (int64_t place = 0; place <= line->span_count; place++)
        for (const char *at = line->pieces[place].start; at < line->pieces[place].end; at++)
            if (is_mark(*at))
                return 1;
    return 0;
}

static int is_it(const Piece *one, const Piece *other) { return one->start == other->start && one->end == other->end; }

/* Whether what was found in a line itself is what it left says: also of any other that leaves the same. */
static int is_that(const Kin *found, const Kin *left)
{
    int64_t size = found->thread.end - found->thread.start;
    int is_it_all = found->key == left->key && size == left->thread.end - left->thread.start &&
                    (!size || !memcmp(found->thread.start, left->thread.start, (size_t)size));
    for (int64_t name = 0; name < NAMELESS; name++) {
        const Piece *own = found->names + name;
        int is_inside = own->start && found->thread.start < own->end && own->start < found->thread.end;
        is_it_all &= is_it(own, left->names + name) && !is_inside;
    }
    return is_it_all;
}

int tree_keep(Tree *tree, const Line *line, const char *left, int64_t size, uint32_t pattern, const Kin *kin)
{
    const Words *words = line->patterns ? line->patterns->words : NULL;
    int likeness = likeness_of(left, size, words);
    if (!size || likeness == UNLIKE || size > MOST_LINE || is_marked(line))
        return 1;
    if (tree->node_count > MOST_NODES || tree->size > MOST_BYTES)
        clear(tree);
    uint32_t node = node_of(tree, left, left + size);
    if (!node || tree->nodes[node].leaf != NONE)
        return node != 0;
    if (!grown((void **)&tree->leaves, tree->leaf_count, &tree->leaf_room, sizeof(Leaf)))
        return 0;
    uint32_t leaf = tree->nodes[node].leaf = (uint32_t)tree->leaf_count++;
    tree->leaves[leaf] = (Leaf){kin->key, pattern, likeness == ASKS_CLOCK, (uint8_t)line_has_clock(line)};
    /* some lines are too strange: what is not found in the line that it was learned from is not found at all */
    Kin again;
    if (!tree_find(tree, line, &again) || !is_that(&again, kin))
        tree->leaves[leaf].key = NONE;
    return 1;
}
