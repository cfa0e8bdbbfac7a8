"""RtcCall: one WebRTC connection of a session, while there are others before it or after it."""

from collections.abc import Callable

from server.call.line.leg import Leg
from server.call.session import Session
from server.media.offer import Offer
from server.media.peer import Peer

MakeLeg = Callable[[Session, Callable[[Leg], None]], Leg]
"""Makes the leg of a call, as `Leg` itself does."""
OwnLeg = MakeLeg | None


class RtcCall:
    """One peer connection, and the call whose place it takes, if it takes one."""

    def __init__(self, leg: Leg, peer: Peer, predecessor: "RtcCall | None", make_leg: MakeLeg) -> None:
        self.leg = leg
        self.peer = peer
        self.predecessor = predecessor
        self.make_leg = make_leg
        """Makes the leg of the call that takes its place, too."""
        leg.wire = peer

    @property
    def live_predecessor(self) -> "RtcCall | None":
        """The nearest predecessor that is not over: its predecessor, or the predecessor of that one, and so on."""
        predecessor = self.predecessor
        while predecessor is not None and predecessor.leg.over.is_set():
            predecessor = predecessor.predecessor
        return predecessor

    def knowing(self, offer: Offer) -> "RtcCall | None":
        """This call, or the predecessor of it that is not over, whose peer is connected to where the offer comes from.

        A client may give up a move to another connection, and go on with the one that it has.
        """
        return next((call for call in (self, self.live_predecessor) if call and call.peer.knows(offer)), None)
