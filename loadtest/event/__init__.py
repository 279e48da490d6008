"""An evening with thousands, simulated: `python -m loadtest.event` writes build/event.json and build/event.html.

One server of its own (gateway, engine, translator), one live room. People walk in by one invitation within a minute;
they talk, faster than anybody can read; the host announces in three languages, opens a poll and sees somebody get a
name; some write what the room's word list holds back, and a moderator works the queue; then half the audience loses
its connection at once and comes back.

`plan`: what is to happen, from a seed. `people`: the audience, and what each of them saw. `host`: who runs the room.
`course`: the evening from the first guest to the last count. `verdict`: what was wrong. `report`: the page.
"""
