#!/bin/sh
# Inside a build root (tests/machines/enter.sh): a Debian kernel, what it needs to mount a virtio disk, gpio-sim for the
# pins and v4l2loopback for the camera. Puts vmlinuz, initrd and modules.tar into /out.
#
# Debian builds its kernels without these two, so they are built here from Debian's own linux-source and
# v4l2loopback-dkms packages (GPL-2.0), on this machine and for it only; nothing of them belongs to the project or is
# given away.
set -eu
kernel=$(basename /usr/src/linux-headers-*-amd64 | sed 's/linux-headers-//')
mkdir -p /out /build/gpio-sim /build/v4l2loopback
cd /build

apt-get update -q >/dev/null
apt-get download -q "linux-image-$kernel" v4l2loopback-dkms >/dev/null
dpkg-deb -x "linux-image-$kernel"_*.deb image
tar -xJf /usr/src/linux-source-6.1.tar.xz linux-source-6.1/drivers/gpio linux-source-6.1/kernel/irq/irq_sim.c
source=linux-source-6.1
cp "$source/drivers/gpio/gpio-sim.c" gpio-sim/core.c
cp "$source"/drivers/gpio/*.h gpio-sim/
# Debian's kernel has no IRQ_SIM either: it is linked in, without a function that kernels do not export to modules.
sed 's/irq_to_desc(irqnum)/irq_data_to_desc(irq_get_irq_data(irqnum))/; s/#include <linux\/irq.h>/&\n#include <linux\/irqdesc.h>/' \
    "$source/kernel/irq/irq_sim.c" > gpio-sim/irq_sim.c
# As it is, gpio-sim puts a line back when its holder is gone. A Pi's kernel without strict_gpiod does not: there the
# relay of a gate that was killed stays on until another program lets go of it. So here, too, or nothing would be shown.
grep -q 'gc->free = gpio_sim_free;' gpio-sim/core.c
sed -i 's/\tgc->free = gpio_sim_free;/\t(void)gpio_sim_free;/' gpio-sim/core.c
printf 'obj-m := gpio-sim.o\ngpio-sim-y := core.o irq_sim.o\nccflags-y := -I$(src)\n' > gpio-sim/Makefile
dpkg-deb -x v4l2loopback-dkms_*.deb loopback
cp loopback/usr/src/v4l2loopback-*/*.[ch] v4l2loopback/
echo 'obj-m := v4l2loopback.o' > v4l2loopback/Makefile

disk=lib/modules/$kernel
mkdir "image/$disk/extra"
for module in gpio-sim v4l2loopback; do
    make -s -C "/usr/src/linux-headers-$kernel" "M=/build/$module" modules
    cp "$module/$module.ko" "image/$disk/extra/"
done
depmod -b image "$kernel"
list() { modprobe -d /build/image -S "$kernel" --show-depends "$1" | sed -n 's/^insmod \([^ ]*\).*/\1/p'; }
mkdir -p "tree/$disk" initrd/bin initrd/modules initrd/proc initrd/sys initrd/dev initrd/disk
cp "image/$disk/modules.builtin" "image/$disk/modules.order" "image/$disk/modules.builtin.modinfo" "tree/$disk/"
for module in configfs gpio-sim v4l2loopback virtio_net virtio_console; do
    list "$module"
done | sort -u | while read -r file; do
    install -D -m 644 "$file" "tree/${file#/build/image/}"
done
depmod -b tree "$kernel"
tar -cf /out/modules.tar -C tree lib

for module in virtio_pci virtio_blk ext4; do list "$module"; done | awk '!seen[$0]++' > order
number=100
while read -r file; do
    cp "$file" "initrd/modules/$number-${file##*/}"
    number=$((number + 1))
done < order
cp /bin/busybox initrd/bin/
cat > initrd/init <<'INIT'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do /bin/busybox insmod "$module"; done
until /bin/busybox mount -t ext4 /dev/vda /disk; do /bin/busybox sleep 1; done
/bin/busybox umount /proc /sys
exec /bin/busybox switch_root /disk /sbin/init
INIT
chmod +x initrd/init
(cd initrd && find . | cpio --quiet -o -H newc | gzip -1) > /out/initrd
cp "image/boot/vmlinuz-$kernel" /out/vmlinuz
