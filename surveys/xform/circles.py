"""Circles in a graph: what depends on itself, and by which way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Every group of nodes that reach each other, each as a walk round its shortest circle, in order.

    Strongly connected components by Tarjan's algorithm (R. Tarjan, *Depth-first search and linear graph
    algorithms*, 1972), without recursion. A node that reads itself is a circle of one.
    """
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    found: list[set[str]] = []
    for start in graph:
        if start in order:
            continue
        work: list[tuple[str, Iterator[str]]] = [(start, iter(graph[start]))]
        order[start] = low[start] = len(order)
        stack.append(start)
        on_stack.add(start)
        while work:
            node, following = work[-1]
            for target in following:
                if target not in graph:
                    continue
                if target not in order:
                    order[target] = low[target] = len(order)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, iter(graph[target])))
                    break
                if target in on_stack:
                    low[node] = min(low[node], order[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    members: set[str] = set()
                    while node not in members:
                        members.add(stack.pop())
                    on_stack -= members
                    if len(members) > 1 or node in graph[node]:
                        found.append(members)
    place = {node: index for index, node in enumerate(graph)}
    return [
        _round_trip(graph, members, place)
        for members in sorted(found, key=lambda m: min(map(place.__getitem__, m)))
    ]


def _round_trip(graph: Mapping[str, Iterable[str]], members: set[str], place: Mapping[str, int]) -> list[str]:
    """The shortest walk from the first member back to itself, inside the component."""
    start = min(members, key=place.__getitem__)
    came_from: dict[str, str] = {}
    waiting = [start]
    for node in waiting:
        for target in graph[node]:
            if target == start:
                walk = [node]
                while walk[-1] != start:
                    walk.append(came_from[walk[-1]])
                return walk[::-1]
            if target in members and target not in came_from:
                came_from[target] = node
                waiting.append(target)
    raise AssertionError("a strongly connected component without a circle")
