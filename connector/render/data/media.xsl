<?xml version="1.0" encoding="UTF-8"?>
<!-- Images and attached files, as connector/render/html settled what can be shown (attribute r:kind). -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:v3="urn:hl7-org:v3"
                xmlns:r="urn:dmp-connector:render" exclude-result-prefixes="v3 r">

  <xsl:key name="media" match="v3:observationMedia" use="@ID"/>
  <xsl:key name="region" match="v3:regionOfInterest" use="@ID"/>
  <xsl:key name="shown" match="v3:renderMultiMedia" use="@referencedObject"/>

  <xsl:template match="v3:renderMultiMedia" mode="said">
    <xsl:variable name="media" select="key('media', @referencedObject)"/>
    <xsl:variable name="region" select="key('region', @referencedObject)//v3:observationMedia"/>
    <xsl:apply-templates select="v3:caption" mode="said"/>
    <xsl:choose>
      <xsl:when test="$media"><xsl:apply-templates select="$media[1]/v3:value" mode="media"/></xsl:when>
      <xsl:when test="$region"><xsl:apply-templates select="$region/v3:value" mode="media"/></xsl:when>
      <xsl:otherwise><p class="notice">Une image annoncée ici n'est pas dans le document.</p></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="v3:renderMultiMedia/v3:caption" mode="said">
    <p class="caption"><xsl:call-template name="said"/></p>
  </xsl:template>

  <!-- what no narrative places is shown at the end of its section -->
  <xsl:template name="unshown-media">
    <xsl:for-each select="v3:entry//v3:observationMedia[not(key('shown', @ID))]">
      <xsl:apply-templates select="v3:value" mode="media"/>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="v3:nonXMLBody">
    <section>
      <h2>Contenu</h2>
      <xsl:apply-templates select="v3:text" mode="media"/>
    </section>
  </xsl:template>

  <xsl:template match="*" mode="media">
    <xsl:choose>
      <xsl:when test="@r:kind = 'image'">
        <p class="figure"><img src="{@r:src}" alt="{@r:name}"/></p>
      </xsl:when>
      <xsl:when test="@r:kind = 'text'">
        <pre><xsl:value-of select="@r:text"/></pre>
        <xsl:if test="@r:file"><xsl:call-template name="file"/></xsl:if>
      </xsl:when>
      <xsl:when test="@r:kind = 'file'"><xsl:call-template name="file"/></xsl:when>
      <xsl:otherwise><p class="notice"><xsl:value-of select="@r:name"/></p></xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="file">
    <p class="notice">
      <xsl:text>Fichier joint : </xsl:text>
      <xsl:choose>
        <xsl:when test="$link != ''"><a href="{$link}{@r:file}"><xsl:value-of select="@r:name"/></a></xsl:when>
        <xsl:otherwise><xsl:value-of select="@r:name"/></xsl:otherwise>
      </xsl:choose>
    </p>
  </xsl:template>
</xsl:stylesheet>
