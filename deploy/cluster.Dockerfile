# The image of a cluster: that of the server, with Ray. Build the other one first.
#
#   docker build -t antiphon . && docker build -t antiphon-cluster -f deploy/cluster.Dockerfile .
FROM antiphon
USER root
# ray[serve] brings an HAProxy for the door, and the programs with which KubeRay starts Ray.
RUN pip install --quiet --only-binary :all: "ray[serve]==2.60.0" python-multipart
USER antiphon
# KubeRay gives its own command.
ENTRYPOINT []
CMD ["bash"]
