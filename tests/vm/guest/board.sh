#!/bin/sh
# Before the gate starts: what a Pi has and this machine has not. A GPIO chip whose contacts are open, a camera (the
# agent is what it sees), and a cable.
set -eu
modprobe configfs
modprobe gpio-sim
mountpoint -q /sys/kernel/config || mount -t configfs none /sys/kernel/config
chip=/sys/kernel/config/gpio-sim/board
mkdir -p "$chip/bank0"
echo 32 > "$chip/bank0/num_lines"
echo pinctrl-bcm2711 > "$chip/bank0/label"
echo 1 > "$chip/live"
for pull in /sys/devices/platform/gpio-sim.*/gpiochip*/sim_gpio2[237]/pull; do echo pull-up > "$pull"; done

modprobe v4l2loopback video_nr=0 card_label=bench

modprobe virtio_net
udevadm settle
cable=$(ls /sys/class/net | grep -v '^lo$' | head -n 1)
ip link set "$cable" up
ip address add 10.0.2.15/24 dev "$cable"
